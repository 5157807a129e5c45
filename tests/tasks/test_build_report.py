"""The whole end of the way on a small world: audit, BM25 baseline, figures over seeds, report."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from qamat_core.store.store import Store
from qamat_core.world.generate import build_world
from schemas.artifacts import ArtifactRef
from schemas.corpus import BuildWorldConfig, MemoryConfig
from schemas.errors import InputError
from schemas.evaluation import AuditConfig, Bm25Config, Place, ReportConfig, SummaryConfig
from schemas.resources import Resources
from schemas.tables import stable_id
from schemas.world import WorldConfig
from tasks import audit_corpus, build_memory, build_report, evaluate_bm25, summarise_predictions
from tasks import build_world as build_world_task
from tests.tasks.corpus import Row, pair, register, register_with_rejects

WORLD = WorldConfig(persons=40, cities=20, countries=6, companies=15, books=19, annotation_worlds=1)
PLACE = Place(table="table2", row="BM25 questions", dataset="world", split="test", memory="gold", model_size="toy", k=1)


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    return Resources(home=str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def world(resources: Resources) -> build_world_task.WorldRefs:
    return build_world_task.run(BuildWorldConfig(world=WORLD), name="tiny", resources=resources)


@pytest.fixture(scope="module")
def bm25(resources: Resources, world: build_world_task.WorldRefs) -> evaluate_bm25.Bm25Refs:
    config = Bm25Config(places=(PLACE,), ks=(1, 4))
    return evaluate_bm25.run(config, world.questions["test"], world.gold_pairs, name="bm25", resources=resources)


@pytest.fixture(scope="module")
def corpus(resources: Resources) -> dict[str, ArtifactRef]:
    """Candidates made of the world's facts: right and kept, right and rejected, wrong and kept, by turns.

    Another filter keeps the right ones alone: its verdicts stand under the key "open_domain".
    """
    rows: dict[str, list[Row]] = {"answers": [], "questions": [], "verdicts": [], "qa_pairs": []}
    for number, gold in enumerate(build_world(WORLD).gold_pairs):
        answer = "nonsense" if number % 3 == 2 else gold.answer
        answer_id = stable_id(gold.passage_id, gold.start, number)
        made = {"answer_id": answer_id, "passage_id": gold.passage_id, "generator": "g"}
        scores = {"sum_logprob": -1.0, "mean_logprob": -0.5}
        qa_id = stable_id(answer_id, gold.question)
        rows["answers"].append(made | scores | {"text": answer, "start": gold.start, "end": gold.start + len(answer)})
        rows["questions"].append(made | scores | {"qa_id": qa_id, "question": gold.question})
        verdict = {
            "qa_id": qa_id,
            "predicted_answer": answer,
            "f1": 1.0,
            "kept": number % 3 != 1,
            "reason": "different",
        }
        rows["verdicts"].append(verdict | {"reason": "different", "filter": "exact"})
        if number % 3 != 1:
            rows["qa_pairs"].append(pair(qa_id, gold.question, answer, gold.passage_id, gold.start))
    store = Store(resources.home)
    other = [row | {"kept": number % 3 != 2, "filter": "open-domain"} for number, row in enumerate(rows["verdicts"])]
    return {
        "answers": register_with_rejects(store, "answers", "tiny", rows["answers"], ["not in the passage"] * 3),
        "questions": register_with_rejects(store, "questions", "tiny", rows["questions"], []),
        "verdicts": register(store, "verdicts", "tiny", rows["verdicts"]),
        "qa_pairs": register(store, "qa_pairs", "tiny", rows["qa_pairs"]),
        "open_domain": register(store, "verdicts", "tiny-open", other),
    }


@pytest.fixture(scope="module")
def audited(resources: Resources, world: build_world_task.WorldRefs, corpus: dict[str, ArtifactRef]) -> ArtifactRef:
    inputs = audit_corpus.AuditInputs(
        passages=world.passages,
        answers=corpus["answers"],
        questions=corpus["questions"],
        verdicts=corpus["verdicts"],
        memory=corpus["qa_pairs"],
        gold=world.gold_pairs,
        examples=world.questions["test"],
        open_domain=corpus["open_domain"],
    )
    return audit_corpus.run(AuditConfig(model_size="toy", open_domain_k=4), inputs, name="audit", resources=resources)


def figures(resources: Resources, ref: ArtifactRef) -> dict[tuple[str, int | None], float]:
    return {(row["metric"], row["k"]): row["value"] for row in Store(resources.home).open_table(ref).to_pylist()}


def test_bm25_answers_as_a_search_by_hand_would(resources, world, bm25) -> None:
    store = Store(resources.home)
    predictions = store.open_table(bm25.predictions).to_pylist()
    assert len(predictions) == store.open_table(world.questions["test"]).num_rows
    entries = {row["qa_id"]: row for row in store.open_table(world.gold_pairs).to_pylist()}
    for row in predictions:
        assert row["prediction"] == entries[row["retrieved_ids"][0]]["answer"]
        assert row["weights"] == sorted(row["weights"], reverse=True)
    found = figures(resources, bm25.metrics)
    exact = sum(row["exact_match"] for row in predictions) / len(predictions)
    assert found["em", 1] == pytest.approx(100 * exact)
    assert found["recall", 1] == pytest.approx(found["em", 1]), "the answer is that of the first entry"
    assert found["recall", 4] >= found["recall", 1] > 20


def test_the_audit_counts_what_was_planted(resources, corpus, audited) -> None:
    found = {metric: value for (metric, _), value in figures(resources, audited).items()}
    assert found["entries"] == Store(resources.home).open_table(corpus["qa_pairs"]).num_rows
    assert found["passages"] == WORLD.entities
    assert found["unfiltered_precision"] == pytest.approx(66.7, abs=0.5)
    assert found["filter_precision"] == found["precision"] == pytest.approx(50, abs=0.5)
    assert found["filter_recall"] == pytest.approx(50, abs=0.5)
    assert found["open_domain_filter_precision"] == found["open_domain_filter_recall"] == 100
    assert 45 < found["unfiltered_coverage"] < 85
    assert 15 < found["coverage"] < 50


def test_runs_of_several_seeds_are_summed_up_at_every_place(resources, bm25) -> None:
    places = (PLACE, PLACE.model_copy(update={"table": "figure7", "x": 100.0}))
    config = SummaryConfig(places=places, ks=(1,), resamples=100)
    ref = summarise_predictions.run(config, [bm25.predictions] * 2, name="seeds", resources=resources)
    rows = Store(resources.home).open_table(ref).to_pylist()
    assert [(row["table"], row["x"], row["seed"]) for row in rows[::3]] == [
        ("table2", None, None),
        ("figure7", 100, None),
    ]
    assert rows[0]["value"] == figures(resources, bm25.metrics)["em", 1]


def report(resources: Resources, world, bm25, corpus, audited, name: str = "tiny", **changes: object) -> ArtifactRef:
    config = ReportConfig(preset="toy", rerun="qamat reproduce --preset toy").model_copy(update=changes)
    judged = build_memory.MemoryInputs(corpus["answers"], corpus["questions"], corpus["verdicts"])
    inputs = build_report.ReportInputs(
        metrics=(bm25.metrics, audited),
        generated=build_memory.run(MemoryConfig(), judged, name="tiny", resources=resources).qa_pairs,
        shown=build_report.Shown(bm25.predictions, world.gold_pairs, (world.passages,)),
    )
    return build_report.run(config, inputs, name=name, resources=resources)


def test_the_report_shows_the_run(resources, world, bm25, corpus, audited, tmp_path: Path) -> None:
    ref = report(resources, world, bm25, corpus, audited)
    files = build_report.copy_report(ref, tmp_path / "out", resources=resources)
    assert [file.name for file in files] == ["metrics.csv", "metrics.parquet", "report.html", "report.md"]
    html = files[2].read_text()
    assert html.count("<article>") == 10
    assert f"{figures(resources, bm25.metrics)['em', 1]:.1f}" in html
    for digest in (bm25.predictions.key, world.gold_pairs.content):
        assert digest[:12] in html
    assert "<mark>" in html
    assert "not in the passage 3" in html
    assert "Table 2: Closed-book T5" in html
    assert pl.read_parquet(files[1]).filter(pl.col("source") == "measured").height == 14
    assert pq.read_metadata(files[1]).num_rows > 90


def test_the_report_is_kept_and_made_again_when_its_words_change(resources, world, bm25, corpus, audited) -> None:
    first = report(resources, world, bm25, corpus, audited)
    assert report(resources, world, bm25, corpus, audited) == first
    assert report(resources, world, bm25, corpus, audited, title="Another") != first
    assert report(resources, world, bm25, corpus, audited, name="copy").content == first.content


def test_a_copy_takes_the_place_of_what_lies_there_and_follows_no_link(
    resources, world, bm25, corpus, audited, tmp_path: Path
) -> None:
    ref, out, precious = report(resources, world, bm25, corpus, audited), tmp_path / "out", tmp_path / "precious"
    precious.write_text("mine")
    out.mkdir()
    (out / "report.md").symlink_to(precious)
    (out / "report.html").write_text("an earlier report")
    files = build_report.copy_report(ref, out, resources=resources)
    assert precious.read_text() == "mine"
    assert not (out / "report.md").is_symlink()
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    assert sorted(out.iterdir()) == files, "nothing else is left there"


def test_a_directory_that_cannot_be_written_is_named(resources, world, bm25, corpus, audited, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ref = report(resources, world, bm25, corpus, audited)
    with pytest.raises(InputError, match=r"file.*another --out"):
        build_report.copy_report(ref, tmp_path / "file", resources=resources)
