from hypothesis import given
from hypothesis import strategies as st

from qamat_core.evaluation.coverage import audit, audit_open_domain, corpus_counts

PLACE = {"row": "Generated", "dataset": "world", "split": "test", "model_size": "mini", "seed": 0}
FACTS = st.none() | st.integers(0, 9)


def test_the_audit_counts_facts_and_pairs() -> None:
    facts = {"f1", "f2", "f3", "f4"}
    candidates = ["f1", "f1", None, "f2", None, "other", None, "f3"]
    kept = [True, True, True, True, False, True, False, False]
    metrics = audit(facts, candidates, kept, ["f1", None, "f2", "other"], **PLACE, resamples=50)
    found = {row["metric"]: (row["value"], row["n"]) for row in metrics.to_pylist()}
    assert found == {
        "coverage": (50.0, 4),
        "precision": (75.0, 4),
        "unfiltered_coverage": (75.0, 4),
        "unfiltered_precision": (62.5, 8),
        "filter_precision": (80.0, 5),
        "filter_recall": (80.0, 5),
    }


def test_the_other_filter_stands_under_names_of_its_own() -> None:
    candidates, kept = ["f1", "f1", None, "f2"], [True, False, True, True]
    rows = audit_open_domain(candidates, kept, k=4, **PLACE, resamples=50).to_pylist()
    assert {row["metric"]: (round(row["value"], 2), row["n"], row["k"]) for row in rows} == {
        "open_domain_filter_precision": (66.67, 3, 4),
        "open_domain_filter_recall": (66.67, 3, 4),
    }
    assert {(row["table"], row["row"], row["memory"]) for row in rows} == {("table1", "Generated", "generated")}


@given(st.lists(st.tuples(FACTS, st.booleans()), max_size=20))
def test_a_filter_never_adds_coverage(candidates: list[tuple[int | None, bool]]) -> None:
    stated, kept = [fact for fact, _ in candidates], [keep for _, keep in candidates]
    memory = [fact for fact, keep in candidates if keep]
    metrics = audit(set(range(10)), stated, kept, memory, **PLACE, resamples=2)
    found = {row["metric"]: row["value"] for row in metrics.to_pylist()}
    assert found["coverage"] <= found["unfiltered_coverage"]
    assert ("precision" in found) == bool(memory), "a share of nothing has no row"


def test_counts_stand_in_the_table_of_corpus_statistics() -> None:
    rows = corpus_counts({"entries": 60_000_000}, **PLACE).to_pylist()
    assert [(row["table"], row["metric"], row["value"], row["low"]) for row in rows] == [
        ("table1", "entries", 6e7, None)
    ]
