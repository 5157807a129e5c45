"""The searcher: an index and the encoder that made it -> searcher (keys in eight bits, or a tree), with its recall."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float

from qamat_core.qamat.examples import question_inputs
from qamat_core.qamat.searcher import SearcherCard, build_searcher, measure_recall
from qamat_core.store.store import DirectoryDraft, Job, Store
from qamat_core.training.mesh import use_mesh
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import IncompatibleArtifactError
from schemas.qamat import SearchConfig
from schemas.resources import Resources
from tasks.build_index import read_entries
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint, open_index


@dataclass(frozen=True)
class SearcherInputs:
    """An index with all its entries, and the checkpoint that encoded them."""

    index: ArtifactRef
    encoder: ArtifactRef


def run(config: SearchConfig, inputs: SearcherInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Make what a search of an index needs, measure its recall, and return it; keys are read from their files.

    Raises:
        IncompatibleArtifactError: the index is an update, or another encoder made it.
    """
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs={"searcher": ("searcher", name)})

    def build(work: Path) -> Mapping[str, DirectoryDraft]:
        with use_mesh(resources.mesh):
            card, speed = _build(store, config, inputs, work / "searcher")
        card.save(work / "searcher")
        recall = {f"recall_at_{k}": share for k, share in card.recall.items()}
        notes = {"backend": config.backend, "entries": card.entries, "searcher_entries_per_second": speed, **recall}
        return {"searcher": DirectoryDraft(work / "searcher", notes=notes)}

    return store.produce(job, build)["searcher"]


def _build(store: Store, config: SearchConfig, inputs: SearcherInputs, directory: Path) -> tuple[SearcherCard, float]:
    """Write the searcher's files; return its card, and how many entries a second it took."""
    checkpoint = open_checkpoint(store, inputs.encoder)
    arrays, indexed = open_index(store, inputs.index, checkpoint)
    if indexed.base is not None:
        raise IncompatibleArtifactError(f"{inputs.index} is an update: run `qamat index compact`, search what it makes")
    keys, start = np.asarray(arrays.keys), time.perf_counter()
    searcher = build_searcher(keys, config, directory)
    speed = round(indexed.entries / (time.perf_counter() - start), 1)
    rows = np.random.default_rng(config.seed).permutation(indexed.entries)[: config.sample]
    questions = list(_questions(store, indexed.memory, np.sort(rows)))
    card = SearcherCard(
        memory=indexed.memory,
        encoder=indexed.encoder,
        tokenizer=indexed.tokenizer,
        index=inputs.index,
        search=config,
        entries=indexed.entries,
        recall=measure_recall(searcher, keys, _queries(checkpoint, questions, config.batch_size)),
    )
    return card, speed


def _questions(store: Store, memory: ArtifactRef, rows: np.ndarray) -> Iterator[str]:
    """Yield the questions of some entries, given in order."""
    first = 0
    for shard in store.open_shards(memory):
        for batch in read_entries(shard, ["question"]):
            wanted = rows[(rows >= first) & (rows < first + batch.num_rows)] - first
            yield from batch.column("question").take(wanted.tolist()).to_pylist()
            first += batch.num_rows


def _queries(checkpoint: OpenCheckpoint, questions: list[str], batch_size: int) -> Float[np.ndarray, "N D"]:
    """Return the queries of ``[MASK] question``, encoded in equal batches."""
    reader = checkpoint.reader
    tokens = question_inputs(questions, checkpoint.tokenizer, reader.config)
    query = jax.jit(lambda params, batch: reader.query(params, batch, 1).vectors[:, 0])
    parts: list[np.ndarray] = []
    for start in range(0, len(tokens), batch_size):
        batch = tokens[start : start + batch_size]
        padded = np.pad(batch, ((0, batch_size - len(batch)), (0, 0)))
        parts.append(np.asarray(query(checkpoint.params, padded))[: len(batch)].astype(np.float32))
    return np.concatenate(parts)
