"""Edits of a memory: lines of JSON that add, replace or delete entries.

{"op": "add", "question": "...", "answer": "..."}          optional: qa_id, aliases, passage_id, start, origin,
                                                           generator, score
{"op": "replace", "qa_id": "...", "answer": "..."}         what is not given stays
{"op": "delete", "qa_id": "..."}
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self

import pyarrow as pa
from pydantic import Field, ValidationError, model_validator

from qamat_core.readers.lines import BadRecordError, Line, read_lines, reject
from qamat_core.readers.streams import open_bytes
from qamat_core.text import normalize_question
from schemas.base import Frozen
from schemas.records import Reject
from schemas.tables import QA_PAIRS, stable_id

ORIGIN: Final = "edited"
"""Where an entry comes from that was added without saying so."""


class Edit(Frozen):
    """One line; what is None is not given."""

    op: Literal["add", "replace", "delete"]
    qa_id: str | None = Field(default=None, min_length=1, max_length=64)
    question: str | None = Field(default=None, min_length=1)
    answer: str | None = Field(default=None, min_length=1)
    aliases: tuple[str, ...] | None = None
    passage_id: str | None = None
    start: int | None = Field(default=None, ge=0)
    origin: str | None = None
    generator: str | None = None
    score: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.op == "add" and not (self.question and self.answer):
            raise ValueError("an entry that is added has a question and an answer")
        if self.op != "add" and not self.qa_id:
            raise ValueError(f"{self.op} needs the qa_id of the entry")
        if self.op == "replace" and not self.changes():
            raise ValueError("replace needs what is to be changed")
        return self

    def changes(self) -> dict[str, Any]:
        """Return the columns that are given."""
        return {name: value for name, value in self if name not in ("op", "qa_id") and value is not None}

    def entry(self) -> dict[str, Any]:
        """Return the row of ``qa_pairs`` that is added; its id hashes origin, question and answer if it has none."""
        row = {"aliases": (), "origin": ORIGIN, "score": 0.0, **self.changes()}
        return row | {"qa_id": self.qa_id or stable_id(row["origin"], row["question"], row["answer"])}

    def applied(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row replaced: where another answer is given its place in the passage is not known any more."""
        moved = {"start": None} if self.answer not in (None, row["answer"]) else {}
        return row | moved | self.changes()


@dataclass
class Edits:
    """All edits of a file by what they do; each entry is touched once."""

    added: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    touched: dict[str, Edit] = field(default_factory=dict[str, Edit])
    """Replaced and deleted entries."""
    asked: dict[str, str] = field(default_factory=dict[str, str])
    """Normalised question -> the entry that is to ask it."""
    places: dict[str, Line] = field(default_factory=dict[str, Line])
    """Entry id -> the line that names it."""
    rejects: list[Reject] = field(default_factory=list[Reject])
    read: int = 0

    def take(self, line: Line) -> None:
        """Take a line in.

        Raises:
            BadRecordError: it cannot be used.
        """
        try:
            edit = Edit.model_validate_json(line.text)
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(map(str, fault["loc"]))
            raise BadRecordError(f"{place}: {fault['msg']}" if place else str(fault["msg"])) from error
        row = edit.entry() if edit.op == "add" else {}
        qa_id = row["qa_id"] if row else edit.qa_id
        assert qa_id is not None, "checked when it was read"
        if qa_id in self.places:
            raise BadRecordError(f"entry {qa_id} is edited twice, first in {self.places[qa_id].source}")
        if edit.question and (other := self.asked.setdefault(normalize_question(edit.question), qa_id)) != qa_id:
            raise BadRecordError(f"entry {other} of {self.places[other].source} asks that already")
        self.places[qa_id] = line
        if row:
            self.added[qa_id] = row
        else:
            self.touched[qa_id] = edit

    def refuse(self, qa_id: str, reason: str) -> None:
        """Take an edit out that the memory does not allow."""
        line = self.places[qa_id]
        self.rejects.append(reject(line.source, line.text, reason))
        self.added.pop(qa_id, None)
        self.touched.pop(qa_id, None)

    def check(self, memory: Iterable[pa.RecordBatch]) -> None:
        """Refuse what does not fit a memory, given by its columns ``qa_id`` and ``question``.

        That is an edit of an entry that is not there, an added one that is there already, and one that asks what an
        entry asks already (normalised), as deduplication would.
        """
        unknown = set(self.touched)
        for batch in memory:
            ids = batch.column("qa_id").to_pylist()
            unknown -= {*ids}
            for qa_id in sorted(self.added.keys() & {*ids}):
                self.refuse(qa_id, f"entry {qa_id} is there already: replace it")
            if self.asked:
                self._refuse_repeated(ids, batch.column("question").to_pylist())
        for qa_id in sorted(unknown & self.touched.keys()):
            self.refuse(qa_id, f"the memory has no entry {qa_id}")

    def _refuse_repeated(self, ids: Sequence[str], questions: Sequence[str]) -> None:
        for qa_id, question in zip(ids, questions, strict=True):
            repeated = self.asked.get(normalize_question(question), qa_id)
            if repeated != qa_id and (repeated in self.added or repeated in self.touched) and qa_id not in self.touched:
                self.refuse(repeated, f"entry {qa_id} asks that already: replace it")

    def touches(self, ids: Iterable[str]) -> bool:
        """Say whether one of these entries is replaced or deleted."""
        return not self.touched.keys().isdisjoint(ids)

    def apply(self, pairs: pa.Table) -> pa.Table:
        """Return rows of ``qa_pairs`` with entries replaced and deleted."""
        rows = [self._edited(row) for row in pairs.to_pylist()]
        return pa.Table.from_pylist([row for row in rows if row], schema=QA_PAIRS)

    def _edited(self, row: dict[str, Any]) -> dict[str, Any] | None:
        edit = self.touched.get(row["qa_id"])
        if edit is None:
            return row
        return None if edit.op == "delete" else edit.applied(row)

    def new_entries(self) -> pa.Table:
        """Return the added entries, sorted by id."""
        return pa.Table.from_pylist([self.added[qa_id] for qa_id in sorted(self.added)], schema=QA_PAIRS)


def read_edits(path: Path) -> Edits:
    """Read a file of edits; lines that cannot be used are among its rejects.

    Raises:
        InputError: the file cannot be read.
    """
    edits = Edits()
    for line in _lines(path):
        edits.read += 1
        if isinstance(line, Reject):
            edits.rejects.append(line)
            continue
        try:
            edits.take(line)
        except BadRecordError as error:
            edits.rejects.append(reject(line.source, line.text, str(error)))
    return edits


def _lines(path: Path) -> Iterator[Line | Reject]:
    with open_bytes(path) as stream:
        yield from read_lines(stream, path.name)
