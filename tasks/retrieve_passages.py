"""Retrieval: qa_examples and an index of passages, by words or by vectors -> retrievals (one row a question)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from qamat_core.indexes.device import place_keys
from qamat_core.passage_index import open_index, open_passages
from qamat_core.passages.vectors import load_vectors
from qamat_core.qamat.examples import question_inputs
from qamat_core.qamat.index import check_encoder
from qamat_core.repaq.retrieval import Retriever
from qamat_core.store.store import Job, Store, TableDraft, write_table
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import ConfigError, InputError
from schemas.passages import RetrievePassagesConfig
from schemas.resources import Resources
from schemas.tables import RETRIEVALS
from tasks.qamat_stage import open_checkpoint

Ranked = list[list[tuple[str, float]]]
"""Of each question, the ids of passages with their scores, best first."""


@dataclass(frozen=True)
class RetrievalInputs:
    """``index`` is a ``passage_index``, or ``passage_vectors`` that ``encoder`` made."""

    index: ArtifactRef
    questions: ArtifactRef
    encoder: ArtifactRef | None = None


def run(config: RetrievePassagesConfig, inputs: RetrievalInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Find passages for every question; by BM25 there may be none.

    Raises:
        ConfigError: vectors are searched without an encoder, or words with one.
        IncompatibleArtifactError: another encoder made the vectors.
        InputError: there is no question.
    """
    if (inputs.encoder is None) != (inputs.index.kind == "passage_index"):
        raise ConfigError(f"{inputs.index}: give an encoder to search passage_vectors, none to search a passage_index")
    store = Store(resources.home)
    given = {label: ref for label, ref in vars(inputs).items() if ref}
    job = Job(module=__name__, config=config, inputs=given, outputs={"retrievals": ("retrievals", name)})

    def build(work: Path) -> Mapping[str, TableDraft]:
        examples = store.open_table(inputs.questions)
        if not examples.num_rows:
            raise InputError(f"{inputs.questions} holds no question: import it again")
        asked = examples.column("question").to_pylist()
        if inputs.encoder is None:
            found = _by_words(store, config, inputs.index, asked)
        else:
            found = _by_vectors(store, config, inputs.index, inputs.encoder, asked)
        rows = retrievals(examples.column("example_id").to_pylist(), found)
        return {"retrievals": write_table(rows, "retrievals", work, read=rows.num_rows)}

    return store.produce(job, build)["retrievals"]


def retrievals(example_ids: Sequence[str], found: Ranked) -> pa.Table:
    """Return the rows of ``retrievals``."""
    rows = [
        {"example_id": key, "passage_ids": [one for one, _ in line], "scores": [round(score, 4) for _, score in line]}
        for key, line in zip(example_ids, found, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=RETRIEVALS)


def _by_words(store: Store, config: RetrievePassagesConfig, index: ArtifactRef, questions: Sequence[str]) -> Ranked:
    folder = store.open_directory(index)
    ids = open_passages(folder).ids
    hits = open_index(folder).batch_search(questions, config.passages)
    return [[(ids[hit.row], hit.score) for hit in line] for line in hits]


def _by_vectors(
    store: Store, config: RetrievePassagesConfig, index: ArtifactRef, encoder: ArtifactRef, questions: Sequence[str]
) -> Ranked:
    checkpoint = open_checkpoint(store, encoder)
    vectors, card = load_vectors(store.open_directory(index))
    check_encoder(card, encoder.content, checkpoint.tokenizer.fingerprint)
    tokens = question_inputs(questions, checkpoint.tokenizer, checkpoint.reader.config)
    queries = Retriever(checkpoint.reader, config.batch_size).queries(checkpoint.params, tokens)
    found = place_keys(vectors).search(queries, min(config.passages, len(vectors)))
    ids = store.open_table(card.memory, ["passage_id"]).column("passage_id").to_pylist()
    return [
        [(ids[row], float(score)) for row, score in zip(*line, strict=True)]
        for line in zip(found.rows.tolist(), found.scores.tolist(), strict=True)
    ]
