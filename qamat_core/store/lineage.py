"""What an artifact was made of: its registered ancestors, as a tree."""

from collections.abc import Mapping
from dataclasses import dataclass

from qamat_core.store.registry import RegistryRow
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef


@dataclass(frozen=True)
class Lineage:
    """One artifact and, by the label that its job knew them under, the lineages of its inputs."""

    row: RegistryRow
    inputs: Mapping[str, "Lineage"]

    def ancestors(self) -> list[RegistryRow]:
        """Return every artifact that this one comes of, itself left out, each once, nearest first."""
        found: dict[str, RegistryRow] = {}
        waiting = list(self.inputs.values())
        for node in waiting:
            if node.row.ref.key not in found:
                found[node.row.ref.key] = node.row
                waiting.extend(node.inputs.values())
        return list(found.values())


def lineage(store: Store, ref: ArtifactRef) -> Lineage:
    """Return an artifact with all its ancestors; one that is an input of several is one node that they share.

    Raises:
        MissingArtifactError: the artifact or one of its ancestors is not registered.
    """
    nodes: dict[str, Lineage] = {}

    def visit(ref: ArtifactRef) -> Lineage:
        if ref.key not in nodes:
            row = store.row(ref)
            nodes[ref.key] = Lineage(row, {label: visit(given) for label, given in sorted(row.inputs.items())})
        return nodes[ref.key]

    return visit(ref)
