import pyarrow as pa
import pytest

from qamat_core.evaluation.summary import aggregate, summarise
from schemas.errors import InputError
from schemas.tables import METRICS, PREDICTIONS

PLACE = {
    "table": "table2",
    "row": "QAMAT Fine-tuned",
    "dataset": "world",
    "split": "test",
    "memory": "gold",
    "model_size": "mini",
    "k": 4,
}


def predictions(right: list[bool], hits: list[int | None], retrieved: int = 4, prefix: str = "e") -> pa.Table:
    rows = [
        {
            "example_id": f"{prefix}{number:03d}",
            "question": "q",
            "answers": ["a"],
            "prediction": "a" if exact else "b",
            "retrieved_ids": [f"m{rank}" for rank in range(retrieved)],
            "weights": [0.5] * retrieved,
            "exact_match": exact,
            "f1": 1.0 if exact else 0.5,
            "first_hit": hit,
        }
        for number, (exact, hit) in enumerate(zip(right, hits, strict=True))
    ]
    return pa.Table.from_pylist(rows, schema=PREDICTIONS)


def values(metrics: pa.Table) -> dict[tuple[str, int | None], float]:
    return {(row["metric"], row["k"]): row["value"] for row in metrics.to_pylist()}


def test_one_run_gives_percentages_with_intervals_over_its_questions() -> None:
    run = predictions([True, False, False, True], [0, 1, None, 3])
    metrics = summarise(run, **PLACE, seed=3, ks=(1, 2, 4))
    assert metrics.schema == METRICS
    assert values(metrics) == {("em", 4): 50, ("f1", 4): 75, ("recall", 1): 25, ("recall", 2): 50, ("recall", 4): 75}
    for row in metrics.to_pylist():
        assert row["low"] <= row["value"] <= row["high"]
        assert (row["n"], row["seed"], row["source"]) == (4, 3, "measured")


def test_recall_beyond_what_was_retrieved_is_missing_not_wrong() -> None:
    assert ("recall", 8) not in values(summarise(predictions([True], [0]), **PLACE, seed=0, ks=(1, 8)))
    without_memory = summarise(predictions([True], [None], retrieved=0), **PLACE | {"k": None}, seed=0)
    assert set(values(without_memory)) == {("em", None), ("f1", None)}


def test_seeds_give_their_mean_over_questions_in_any_order() -> None:
    first = predictions([True, True, False, False], [0, 0, None, None])
    second = predictions([True, False, False, False], [0, None, None, None])
    metrics = aggregate([first, second.take([3, 1, 0, 2])], **PLACE)
    assert values(metrics) == {("em", 4): 37.5, ("f1", 4): 68.75, ("recall", 1): 37.5}
    assert {(row["n"], row["seed"]) for row in metrics.to_pylist()} == {(4, None)}


def test_seeds_of_different_questions_are_counted_together() -> None:
    metrics = aggregate([predictions([True] * 3, [0] * 3), predictions([False] * 5, [None] * 5, prefix="f")], **PLACE)
    assert values(metrics)["em", 4] == 50
    assert metrics.column("n").to_pylist() == [8, 8, 8]


def test_no_predictions_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="empty"):
        summarise(PREDICTIONS.empty_table(), **PLACE, seed=0)
    with pytest.raises(InputError, match="empty"):
        aggregate([predictions([True], [0]), PREDICTIONS.empty_table()], **PLACE)


def test_triviaqa_is_also_scored_by_the_script_of_the_other_data_sets() -> None:
    rows = predictions([True, False], [0, None], retrieved=1).to_pylist()
    rows[0] |= {"answers": ["New York"], "prediction": "New_York"}
    rows[1] |= {"answers": ["O'Neil"], "prediction": "ONeil"}
    run = pa.Table.from_pylist(rows, schema=PREDICTIONS)
    found = values(summarise(run, **PLACE | {"dataset": "triviaqa"}, seed=0))
    assert (found["em", 4], found["em_orqa", 4]) == (50, 50)
    assert ("em_orqa", 4) not in values(summarise(run, **PLACE, seed=0))
