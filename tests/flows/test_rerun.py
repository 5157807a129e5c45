"""The command in a report makes the same report again."""

from typing import Any

import pytest

from flows.reproduce import command
from schemas.study_orders import Reproduce


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({}, "qamat reproduce --preset mini --seeds 1"),
        (
            {"only": ["table2", "ablations"], "memories": ["gold"], "seeds": 3, "split": "dev"},
            "qamat reproduce --preset mini --only table2 --only ablations --memory gold --seeds 3 --split dev",
        ),
        (
            {"start": {"source": "a b/t5", "revision": "v1", "tokenizer": "/s p.model"}},
            "qamat reproduce --preset mini --from 'a b/t5' --revision v1 --tokenizer '/s p.model' --seeds 1",
        ),
        (
            {
                "corpus": "wiki",
                "datasets": [{"dataset": "nq", "train": "nq-train", "dev": "a b.jsonl", "test": "t.jsonl"}],
            },
            "qamat reproduce --preset mini --corpus wiki --dataset 'nq=nq-train,a b.jsonl,t.jsonl' --seeds 1",
        ),
    ],
)
def test_the_command_says_what_the_order_says(order: dict[str, Any], expected: str):
    assert command(Reproduce.model_validate(order)) == expected
