"""The index of passages by words: passages -> passage_index (BM25 over title and text)."""

from collections.abc import Mapping
from pathlib import Path

from qamat_core.passage_index import index_passages
from qamat_core.store.store import DirectoryDraft, Job, Store
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import InputError
from schemas.passages import PassageIndexConfig
from schemas.resources import Resources


def run(config: PassageIndexConfig, passages: ArtifactRef, *, name: Name, resources: Resources) -> ArtifactRef:
    """Index all passages.

    Raises:
        InputError: there is no passage.
    """
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs={"passages": passages}, outputs={"index": ("passage_index", name)})

    def build(work: Path) -> Mapping[str, DirectoryDraft]:
        count = store.row(passages).rows
        if not count:
            raise InputError(f"{passages} holds no passage to index: ingest some")
        folder = work / "index"
        folder.mkdir()
        index_passages(store.open_shards(passages), folder, k1=config.k1, b=config.b)
        return {"index": DirectoryDraft(folder, notes={"passages": count})}

    return store.produce(job, build)["index"]
