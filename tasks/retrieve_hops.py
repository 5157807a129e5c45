"""Retrieval in two rounds: qa_examples, vectors of passages and the two-hop retriever -> retrievals.

The passages of the best chains of two, those of the best chain first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qamat_core import progress
from qamat_core.indexes.device import DeviceIndex, place_keys
from qamat_core.indexes.protocol import Found
from qamat_core.passages.hops import best_chains, hop_queries, passages_of
from qamat_core.passages.vectors import load_vectors
from qamat_core.qamat.index import check_encoder
from qamat_core.repaq.retrieval import Retriever
from qamat_core.rows_by_id import RowsById
from qamat_core.store.store import Job, Store, TableDraft, write_table
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import ConfigError, InputError
from schemas.passages import MdrConfig, RetrieveHopsConfig
from schemas.records import Passage
from schemas.resources import Resources
from schemas.tables import PASSAGES
from tasks.encode_passages import retriever_config
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint
from tasks.retrieve_passages import Ranked, retrievals


@dataclass(frozen=True)
class HopsInputs:
    """``encoder`` is the two-hop retriever that made the ``vectors``."""

    vectors: ArtifactRef
    questions: ArtifactRef
    encoder: ArtifactRef


@dataclass(frozen=True)
class _Searcher:
    """What both rounds search with."""

    config: RetrieveHopsConfig
    checkpoint: OpenCheckpoint
    retriever: Retriever
    index: DeviceIndex
    passages: RowsById
    lengths: tuple[int, int]
    """Pieces of the queries of either round."""

    def search(self, questions: list[str], read: list[Passage | None], k: int, length: int) -> Found:
        """Return the best K passages for each question, or for it with what was read."""
        tokens = hop_queries(questions, read, self.checkpoint.tokenizer, length)
        queries = self.retriever.queries(self.checkpoint.params, tokens)
        return self.index.search(queries, min(k, len(self.index)))

    def find(self, questions: list[str]) -> Ranked:
        """Return the passages of each question."""
        beam = min(self.config.beam, len(self.index))
        first = self.search(questions, [None] * len(questions), beam, self.lengths[0])
        read: list[Passage | None] = [Passage(**self.passages.get(row)) for row in first.rows.ravel().tolist()]
        again = [question for question in questions for _ in range(beam)]
        second = self.search(again, read, self.config.beam + 1, self.lengths[1])
        rows, scores = (part.reshape(len(questions), beam, -1) for part in second)
        found: Ranked = []
        for chains in map(best_chains, first.rows, first.scores, rows, scores):
            line = passages_of(chains, self.config.passages)
            found.append([(self.passages.get(row)["passage_id"], score) for row, score in line])
        return found


def run(config: RetrieveHopsConfig, inputs: HopsInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Find the passages of both hops for every question.

    Raises:
        ConfigError: ``encoder`` is no two-hop retriever.
        IncompatibleArtifactError: another encoder made the vectors.
        InputError: there is no question.
    """
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs={"retrievals": ("retrievals", name)})

    def build(work: Path) -> Mapping[str, TableDraft]:
        examples = store.open_table(inputs.questions)
        if not examples.num_rows:
            raise InputError(f"{inputs.questions} holds no question: import it again")
        searcher = _open(store, config, inputs, work)
        asked = examples.column("question").to_pylist()
        found: Ranked = []
        for start in range(0, len(asked), config.batch_size):
            found += searcher.find(asked[start : start + config.batch_size])
            progress.report("retrieve hops", len(found), len(asked))
        rows = retrievals(examples.column("example_id").to_pylist(), found)
        return {"retrievals": write_table(rows, "retrievals", work, read=rows.num_rows)}

    return store.produce(job, build)["retrievals"]


def _open(store: Store, config: RetrieveHopsConfig, inputs: HopsInputs, work: Path) -> _Searcher:
    settings = retriever_config(store, inputs.encoder)
    if not isinstance(settings, MdrConfig):
        raise ConfigError(f"{inputs.encoder} retrieves in one round: give a two-hop retriever")
    checkpoint = open_checkpoint(store, inputs.encoder)
    vectors, card = load_vectors(store.open_directory(inputs.vectors))
    check_encoder(card, inputs.encoder.content, checkpoint.tokenizer.fingerprint)
    return _Searcher(
        config,
        checkpoint,
        Retriever(checkpoint.reader, config.batch_size),
        place_keys(np.asarray(vectors)),
        RowsById(store.open_shards(card.memory), PASSAGES, work),
        (min(settings.model.question_length, settings.query_length), settings.query_length),
    )
