"""What the readers of passages share: questions with the passages that were retrieved for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from qamat_core.rows_by_id import RowsById
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.datasets import Script, data_set
from schemas.errors import IncompatibleArtifactError
from schemas.records import Passage
from schemas.tables import PASSAGES


@dataclass(frozen=True)
class ReadingInputs:
    """``start`` is trained on the questions with the passages of ``found`` (``retrievals``)."""

    start: ArtifactRef
    passages: ArtifactRef
    questions: ArtifactRef
    found: ArtifactRef


@dataclass(frozen=True)
class Readings:
    """The E questions of a table, and what was retrieved for each, best first; passages stay in their file."""

    questions: Sequence[str]
    answers: Sequence[Sequence[str]]
    scripts: Sequence[Script]
    ids: Sequence[Sequence[str]]
    """Of the passages."""
    scores: Sequence[Sequence[float]]
    rows: RowsById

    def __len__(self) -> int:
        return len(self.questions)

    def passages(self, question: int) -> list[Passage]:
        """Return the passages of a question.

        Raises:
            IncompatibleArtifactError: one is not in the table.
        """
        return [self.passage(key) for key in self.ids[question]]

    def take(self, rows: Iterable[int]) -> tuple[list[str], list[list[Passage]]]:
        """Return some questions and the passages of each."""
        asked = [int(row) for row in rows]
        return [self.questions[row] for row in asked], [self.passages(row) for row in asked]

    def passage(self, key: str) -> Passage:
        """Return a passage by its id.

        Raises:
            IncompatibleArtifactError: it is not in the table.
        """
        row = self.rows.find(key)
        if row is None:
            raise IncompatibleArtifactError(f"passage {key} was retrieved and is not there: give the passages searched")
        return Passage(**row)


def open_readings(
    store: Store, passages: ArtifactRef, examples: pa.Table, found: ArtifactRef, most: int, work: Path
) -> Readings:
    """Open questions with at most so many passages each.

    Args:
        store: where they are.
        passages: what was searched.
        examples: the questions.
        found: ``retrievals`` of these questions.
        most: passages of a question, the best ones.
        work: a directory, for a file without a name.

    Raises:
        IncompatibleArtifactError: some question has no row in ``found``.
    """
    lines = {row["example_id"]: row for row in store.open_table(found).to_pylist()}
    ids = examples.column("example_id").to_pylist()
    if lacking := sum(key not in lines for key in ids):
        raise IncompatibleArtifactError(f"{found} lacks {lacking} of {len(ids)} questions: retrieve passages for them")
    return Readings(
        examples.column("question").to_pylist(),
        examples.column("answers").to_pylist(),
        [data_set(name).script for name in examples.column("dataset").to_pylist()],
        [lines[key]["passage_ids"][:most] for key in ids],
        [lines[key]["scores"][:most] for key in ids],
        RowsById(store.open_shards(passages), PASSAGES, work),
    )
