"""Table schemas and stable ids."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.tables import ID_COLUMNS, TABLES, stable_id

values = st.lists(st.text() | st.integers(), min_size=1, max_size=4).map(tuple)


@given(values, values)
def test_only_equal_values_have_equal_ids(one: tuple[object, ...], other: tuple[object, ...]):
    """Numbers count as their digits; moving a character over a border gives another id."""
    assert (stable_id(*one) == stable_id(*other)) == (tuple(map(str, one)) == tuple(map(str, other)))


def test_an_id_is_20_hexadecimal_digits_and_never_changes():
    """A pinned value: ids of published memories must stay what they are."""
    assert stable_id("passage", 3, 7) == "ba9ef6f5225dbb829c86"


@pytest.mark.parametrize("seed", ["0", "1"])
def test_ids_do_not_depend_on_the_process(seed: str):
    command = [sys.executable, "-c", "from schemas.tables import stable_id; print(stable_id('a', 'b'))"]
    found = subprocess.run(command, env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."}, capture_output=True, check=True)
    assert found.stdout.decode().strip() == stable_id("a", "b")


@pytest.mark.parametrize("table", ID_COLUMNS)
def test_ids_hash_columns_of_their_own_table(table: str):
    name, hashed = ID_COLUMNS[table]
    assert TABLES[table].names[0] == name
    assert set(hashed) < set(TABLES[table].names)


def test_only_named_columns_may_be_null():
    nullable = {f"{table}.{field.name}" for table, schema in TABLES.items() for field in schema if field.nullable}
    assert {name for name in nullable if not name.startswith("metrics.")} == {
        "qa_pairs.passage_id",
        "qa_pairs.start",
        "qa_pairs.generator",
        "pair_spans.start",
        "predictions.first_hit",
        "predictions.sum_logprob",
        "predictions.margin",
        "overlaps.train_question",
        "overlaps.similarity",
    }
