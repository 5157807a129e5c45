"""The two-hop retriever of passages (MDR): two-hop questions, the passages of both hops, a checkpoint -> checkpoint.

One encoder learns both rounds: the question has the first hop's passage for its positive, the question with that
passage the second hop's. Hard negatives are the best passages by BM25 that are of neither hop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice
from pathlib import Path

import numpy as np

from qamat_core.passages.dual_encoder import dpr_batch, dpr_loss, passage_tokens
from qamat_core.passages.hops import hop_queries
from qamat_core.qamat.packing import chosen
from qamat_core.store.store import Store
from qamat_core.training.loader import Batch
from qamat_core.training.loop import Trained, train
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import TrainingError
from schemas.passages import MdrConfig
from schemas.records import Passage
from schemas.resources import Resources
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint, open_questions, produce_checkpoint
from tasks.reading_stage import Readings, open_readings

_CANDIDATES = 100
"""Passages by BM25 that hard negatives are from at most."""


@dataclass(frozen=True)
class MdrInputs:
    """``hops`` (``multihop_examples``) names the entries of ``memory`` whose passages answer the questions."""

    start: ArtifactRef
    passages: ArtifactRef
    questions: ArtifactRef
    found: ArtifactRef
    hops: ArtifactRef
    memory: ArtifactRef


def run(config: MdrConfig, inputs: MdrInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Train the retriever and return its checkpoint.

    Raises:
        TrainingError: there is no question, or the passages of both hops are known of none.
    """
    store = Store(resources.home)

    def learn(work: Path) -> tuple[OpenCheckpoint, Trained]:
        asked = open_questions(store, inputs.questions)
        readings = open_readings(store, inputs.passages, asked, inputs.found, _CANDIDATES, work)
        known = _known_hops(store, inputs)
        hops = [known.get(key) for key in asked.column("example_id").to_pylist()]
        if not any(hops):
            raise TrainingError(
                f"of none of {len(hops)} questions the passages of both hops are known: mine {inputs.hops} over a "
                "memory that was made of passages"
            )
        start = open_checkpoint(store, inputs.start, config.model)
        return start, _train(config, start, readings, hops, work)

    return produce_checkpoint(
        store, __name__, config, vars(inputs), name, learn, resources=resources, frozen_encoder=False
    )


def _known_hops(store: Store, inputs: MdrInputs) -> dict[str, tuple[str, str]]:
    """Return, by question, the passages of both hops where they are known and differ."""
    columns = store.open_table(inputs.memory, ["qa_id", "passage_id"])
    made_of = dict(zip(*(columns.column(name).to_pylist() for name in ("qa_id", "passage_id")), strict=True))
    known: dict[str, tuple[str, str]] = {}
    for row in store.open_table(inputs.hops).to_pylist():
        first, second = (made_of.get(row[column]) for column in ("first_qa_id", "final_qa_id"))
        if first and second and first != second:
            known[row["example_id"]] = first, second
    return known


def _train(
    config: MdrConfig, start: OpenCheckpoint, readings: Readings, hops: Sequence[tuple[str, str] | None], work: Path
) -> Trained:
    training = config.training
    known = np.array([row for row, pair in enumerate(hops) if pair])

    def batch(step: int) -> Batch:
        rows = chosen(known, training.batch_size, training.seed, step)
        pairs = [[readings.passage(key) for key in hops[row] or ()] for row in rows]
        asked = [readings.questions[int(row)] for row in rows for _ in range(2)]
        read = [found for first, _ in pairs for found in (None, first)]
        positives = list(chain.from_iterable(pairs))
        passages = positives + list(
            chain.from_iterable(_negatives(readings, row, pair) for row, pair in zip(rows, pairs, strict=True))
        )
        queries = hop_queries(asked, read, start.tokenizer, config.query_length)
        tokens = passage_tokens(passages, start.tokenizer, config.passage_length)
        return dpr_batch(queries, tokens, [passage.passage_id for passage in passages])

    return train("MDR", training, start.params, dpr_loss(start.reader), batch, work)


def _negatives(readings: Readings, row: int, hops: Sequence[Passage]) -> list[Passage]:
    """Return the two best passages of neither hop; the hops themselves, which count once, where there is none."""
    other = [key for key in readings.ids[row] if key not in {passage.passage_id for passage in hops}]
    found = [readings.passage(key) for key in other[:2]] or hops
    return list(islice(cycle(found), 2))
