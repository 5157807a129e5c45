from pathlib import Path

import pytest

from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.errors import InputError
from schemas.evaluation import JudgeConfig, Place
from schemas.resources import Resources
from tasks import judge_claims
from tests.tasks.corpus import register


def place(table: str, row: str, **columns: object) -> Place:
    usual = {"dataset": "world", "split": "test", "memory": "generated", "model_size": "mini"}
    return Place.model_validate(usual | {"table": table, "row": row} | columns)


OURS, BM25 = place("table2", "QAMAT Fine-tuned", k=4), place("table2", "BM25 questions")
AT_30, AT_20 = (place("table4", "QAMAT Fine-tuned", k=k) for k in (30, 20))


def answered(store: Store, name: str, right: list[bool], rank: int = 0, first: int = 0) -> ArtifactRef:
    """Register predictions whose entry with the answer stands at one rank."""
    rows = [
        {
            "example_id": f"e{first + number:03d}",
            "question": "?",
            "answers": ["a"],
            "prediction": "a" if exact else "b",
            "retrieved_ids": [],
            "weights": [],
            "exact_match": exact,
            "f1": float(exact),
            "first_hit": rank,
            "sum_logprob": None,
            "margin": None,
        }
        for number, exact in enumerate(right)
    ]
    return register(store, "predictions", name, rows)


def test_claims_are_judged_over_all_seeds(tmp_path: Path) -> None:
    store, resources = Store(tmp_path), Resources(home=str(tmp_path))
    ours = [answered(store, f"ours-{seed}", [True] * (30 - seed) + [False] * (10 + seed)) for seed in range(2)]
    bm25 = [answered(store, "bm25", [True] * 10 + [False] * 30)]
    wide, narrow = ([answered(store, f"k{k}", [True] * 40, 25)] for k in (30, 20))
    config = JudgeConfig(places=(OURS, BM25, AT_30, AT_20), resamples=200, permutations=500)
    ref = judge_claims.run(config, [ours, bm25, wide, narrow], name="claims", resources=resources)
    rows = {(row["row"], row["metric"]): row for row in store.open_table(ref).to_pylist()}
    assert {claim for claim, _ in rows} == {"bm25", "recall-grows", "em-saturates"}
    found = rows["bm25", "difference"]
    assert found["value"] == pytest.approx(48.75)
    assert 0 < found["low"] < found["value"] < found["high"]
    assert (found["table"], found["n"], found["seed"], found["k"]) == ("claims", 40, None, 4)
    assert rows["bm25", "p"]["value"] < 0.01
    assert rows["recall-grows", "difference"]["value"] == 100
    assert (rows["em-saturates", "difference"]["value"], rows["em-saturates", "p"]["value"]) == (0, 1)
    assert judge_claims.run(config, [ours, bm25, wide, narrow], name="claims", resources=resources) == ref


def test_other_questions_are_named_with_the_claim(tmp_path: Path) -> None:
    store = Store(tmp_path)
    runs = [[answered(store, "ours", [True] * 5)], [answered(store, "bm25", [True] * 5, first=1)]]
    with pytest.raises(InputError, match=r"claim bm25, Table 2: QAMAT Fine-tuned against .*different questions"):
        judge_claims.run(JudgeConfig(places=(OURS, BM25)), runs, name="claims", resources=Resources(home=str(tmp_path)))
