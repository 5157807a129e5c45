"""Provenance: every artifact that a report comes from, back to the first."""

from collections.abc import Sequence
from dataclasses import dataclass

from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef


@dataclass(frozen=True, slots=True)
class Origin:
    """One artifact: its name and version, its digests, the module and commit that made it, its rows.

    ``pins`` is the digest of the names and versions of all libraries that were installed.
    """

    artifact: str
    key: str
    content: str
    module: str
    commit: str
    rows: int
    pins: str


def lineage(store: Store, refs: Sequence[ArtifactRef]) -> list[Origin]:
    """Return the artifacts and all that they were made of, sorted by name and version."""
    found: dict[str, Origin] = {}
    waiting = list(refs)
    while waiting:
        ref = waiting.pop()
        if str(ref) in found:
            continue
        row = store.row(ref)
        found[str(ref)] = Origin(str(ref), ref.key, ref.content, row.module, row.git_commit, row.rows, row.pins)
        waiting.extend(row.inputs.values())
    return [found[name] for name in sorted(found)]
