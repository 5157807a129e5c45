"""Records agree with their tables: same columns, ids from the named columns."""

import dataclasses

import pytest

from schemas.records import Annotation, Passage, QAExample, Reject
from schemas.tables import ID_COLUMNS, TABLES, stable_id

RECORDS = [
    ("passages", Passage.of("source", "7", "Title", "Text.")),
    ("annotations", Annotation.of("p", "who?", ("Bo", "Bob"), 3)),
    ("qa_examples", QAExample.of("who?", ("Bo",), "nq", "dev")),
]


@pytest.mark.parametrize(("table", "record"), [*RECORDS, ("rejects", Reject("f:1", "{", "malformed"))])
def test_fields_are_the_table_s_columns(table: str, record: Passage | Annotation | QAExample | Reject) -> None:
    assert [field.name for field in dataclasses.fields(record)] == TABLES[table].names


@pytest.mark.parametrize(("table", "record"), RECORDS)
def test_ids_hash_the_named_columns(table: str, record: Passage | Annotation | QAExample) -> None:
    name, hashed = ID_COLUMNS[table]
    assert getattr(record, name) == stable_id(*(getattr(record, column) for column in hashed))
