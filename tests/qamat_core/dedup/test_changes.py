"""Judging only what changed gives what judging everything gives, row for row."""

from collections import Counter

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.dedup.changes import Earlier, deduplicate
from qamat_core.dedup.near import near_rule
from qamat_core.dedup.partitions import frame_of
from qamat_core.dedup.survivors import EXACT, Rule
from schemas.tables import QA_PAIRS
from tests.tasks.corpus import Row, pair

NEAR = near_rule(0.5, 32, 32)


@st.composite
def rows(draw: st.DrawFn, unique: bool = True) -> list[Row]:
    """Draw pairs of few questions; some are alike but for their score or aliases."""
    ids = draw(st.lists(st.integers(0, 15), max_size=12, unique=unique))
    return [
        pair(
            f"q{number:02}",
            draw(st.sampled_from(["Who is it?", "who is  it", "who was it", "What is it?", "Where?", ""])),
            draw(st.sampled_from(["a", "b"])),
            aliases=draw(st.sampled_from([[], ["x"]])),
            score=-draw(st.integers(0, 2)),
        )
        for number in ids
    ]


def _keyed(rule: Rule, rows: list[Row]) -> pl.DataFrame:
    frame = frame_of(pa.Table.from_pylist(rows, schema=QA_PAIRS))
    return frame.with_columns(rule.keys(frame).alias("key"))


def _earlier(rule: Rule, before: list[Row], after: list[Row]) -> Earlier:
    """Rows that stayed stand in ``came`` and ``gone`` too, as those of a shard that changed do."""
    then = deduplicate(rule, _keyed(rule, before))
    return Earlier(_keyed(rule, after), _keyed(rule, before), then.survivors.select(QA_PAIRS.names), then.duplicates)


def _by_key(keyed: pl.DataFrame) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for row in keyed.to_dicts():
        found.setdefault(row["key"], Counter())[repr(row)] += 1
    return found


@pytest.mark.parametrize("rule", [EXACT, NEAR], ids=["exact", "near"])
@given(before=rows(), after=rows())
@settings(deadline=None)
def test_what_is_taken_over_equals_what_is_made_anew(rule: Rule, before: list[Row], after: list[Row]):
    keyed = _keyed(rule, after)
    found, anew = deduplicate(rule, keyed, _earlier(rule, before, after)), deduplicate(rule, keyed)
    columns = QA_PAIRS.names
    assert found.survivors.select(columns).equals(anew.survivors.select(columns))
    assert found.duplicates.equals(anew.duplicates)
    then, now = _by_key(_keyed(rule, before)), _by_key(keyed)
    assert (found.keys, found.keys_touched) == (len(now), sum(then.get(key) != rows for key, rows in now.items()))


@given(before=rows(unique=False), after=rows(unique=False))
@settings(deadline=None)
def test_ids_that_are_not_unique_change_nothing(before: list[Row], after: list[Row]):
    keyed = _keyed(EXACT, after)
    found, anew = deduplicate(EXACT, keyed, _earlier(EXACT, before, after)), deduplicate(EXACT, keyed)
    assert found.survivors.select(QA_PAIRS.names).equals(anew.survivors.select(QA_PAIRS.names))
    assert found.duplicates.equals(anew.duplicates)
