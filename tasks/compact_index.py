"""Compacting: an index that updates another one -> index of all its entries, by copying; nothing is encoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qamat_core import progress
from qamat_core.qamat.index import copy_arrays, load_index
from qamat_core.store.store import DirectoryDraft, Job, Store
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import IncompatibleArtifactError
from schemas.qamat import IndexConfig
from schemas.resources import Resources


@dataclass(frozen=True)
class CompactInputs:
    """``index`` is an update; ``memory`` and ``encoder`` are its own."""

    index: ArtifactRef
    memory: ArtifactRef
    encoder: ArtifactRef


def run(config: IndexConfig, inputs: CompactInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Return an index that searches as the update does, without what it updates.

    Raises:
        IncompatibleArtifactError: the index has all its entries already.
    """
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs={"index": ("index", name)})

    def build(work: Path) -> Mapping[str, DirectoryDraft]:
        arrays, card = load_index(store.open_directory(inputs.index), store.open_directory)
        if card.base is None:
            raise IncompatibleArtifactError(f"{inputs.index} has all its entries already: there is nothing to compact")
        copy_arrays(arrays, work / "index", lambda done: progress.report("compact index", done, card.entries))
        card.model_copy(update={"base": None, "older": 0}).save(work / "index")
        return {"index": DirectoryDraft(work / "index", notes={"entries": card.entries})}

    return store.produce(job, build)["index"]
