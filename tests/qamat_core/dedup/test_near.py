"""Near-duplicates share answer, names and numbers, and most of their words; any order and partition gives the same."""

import pyarrow as pa
import pytest

from qamat_core.dedup.near import near_rule
from qamat_core.dedup.survivors import one_per
from schemas.tables import QA_PAIRS
from tests.tasks.corpus import pair

RULE = near_rule(0.6, 128, None)
ROWS = [
    pair("q1", "When was the writer Anna Dral born?", "1901", score=-1.0),
    pair("q2", "When was writer Anna Dral born?", "1901", score=-0.5),
    pair("q3", "When was the writer Anna Kesk born?", "1901"),
    pair("q4", "When was the writer Anna Dral born?", "1902"),
    pair("q5", "What is the capital of the country of Mol?", "1901"),
]


@pytest.mark.parametrize("order", [1, -1])
def test_only_what_asks_the_same_is_merged(order: int):
    kept, fallen = one_per(RULE, pa.Table.from_pylist(ROWS[::order], schema=QA_PAIRS))
    assert kept["qa_id"].to_pylist() == ["q2", "q3", "q4", "q5"]
    assert fallen.to_pylist() == [{"qa_id": "q1", "survivor_id": "q2", "rule": "near-question"}]
