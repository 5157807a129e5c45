"""The main job at the smallest scale: stopped, gone on with, done; and what can be done with its home afterwards."""

import math
import re
from pathlib import Path

import polars as pl
import pytest

from flows.refilter import refilter_corpus
from flows.reproduce import plan
from flows.steps import counting
from flows.table_flows import table5
from qamat_core.funnel import funnel
from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_card
from schemas.artifacts import ArtifactRef
from schemas.errors import MissingArtifactError
from schemas.orders import RefilterCorpus
from schemas.study_orders import Reproduce, ReproduceTable
from schemas.tables import METRICS
from tests.flows.study import Ended, run, run_for, run_until
from tests.qamat_core.t5.checkpoints.foreign import SHAPE, save_huggingface, state, tokenizer

pytestmark = pytest.mark.timeout(1200)
TABLES = ("table1", "table2", "table4", "table5", "figure7", "abstention", "attribution")
"""All but those that train most, which are planned in test_trainings.py and test_two_hop.py and made in slow tests;
speed is never the same twice."""
TOY = ("reproduce", "--preset", "toy", "--only", ",".join(TABLES))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def stopped(directory: Path) -> Ended:
    """The first run, stopped by Ctrl-C when the answers had just been extracted."""
    return run_until(directory / "home", "extract answers world: made", *TOY, "--out", str(directory))


@pytest.fixture(scope="module")
def done(directory: Path, stopped: Ended) -> Ended:
    """The second run, to its end."""
    del stopped
    return run(directory / "home", *TOY, "--out", str(directory / "report"), "--json")


def test_a_stopped_run_says_how_to_go_on(stopped: Ended):
    assert stopped.code == 130
    assert stopped.err == "qamat: stopped; the same command goes on where it was\n"
    assert "train generator world: made" in stopped.out
    assert "build memory world: " not in stopped.out


def test_the_next_run_goes_on_where_it_was(done: Ended):
    assert done.code == 0, done.err
    assert done.err == ""
    for step in ("build world world", "train tokenizer world", "train generator world", "extract answers world"):
        assert f"{step}: found" in done.out
    assert "build memory world: made" in done.out
    assert done.json["computed"] > 30
    assert done.json["reused"] >= 4


def test_the_plan_came_first_and_came_true(done: Ended):
    first = next(number for number, line in enumerate(done.out.splitlines()) if line.startswith("build world world: "))
    told = done.out.splitlines()[first - 1]
    planned = re.fullmatch(r"Plan of toy, 1 seed: (\d+) steps found, (\d+) to make, .*", told)
    assert planned is not None, told
    assert int(planned[2]) == done.json["computed"]
    assert int(planned[1]) <= done.json["reused"], "a step that several tables take is found again by each"


def test_the_report_is_complete(done: Ended, directory: Path):
    assert done.json["report"] == str(directory / "report")
    assert {"report.html", "report.md", "metrics.parquet", "metrics.csv"} <= {
        path.name for path in (directory / "report").iterdir()
    }
    metrics = pl.read_parquet(done.json["metrics"])
    assert metrics.columns == METRICS.names
    measured = metrics.filter(pl.col("source") == "measured")
    assert set(measured["table"]) >= {*TABLES, "claims"}
    judged = set(measured.filter(pl.col("table") == "claims")["row"])
    assert judged >= {"closed-book", "bm25", "fine-tuning", "only-global-worst", "large-memory"}
    gold = measured.filter((pl.col("table") == "table2") & (pl.col("memory") == "gold"))
    assert set(gold["row"]) == {"QAMAT Fine-tuned"}
    assert (
        "with aids that the paper's models do not have: a pointer head" in (directory / "report/report.md").read_text()
    )
    audit = measured.filter(pl.col("table") == "table1")
    read = {row["metric"]: row["k"] for row in audit.filter(pl.col("metric").str.ends_with("precision")).to_dicts()}
    assert read["filter_precision"] is None
    assert read["open_domain_filter_precision"] == 4
    assert "Open-domain filter precision" in (directory / "report/report.md").read_text()
    rows = set(measured["row"])
    assert rows >= {"QAMAT Zero-Shot", "QAMAT Fine-tuned", "Closed-book T5", "BM25 questions"}
    assert rows >= {"Dense questions", "RePAQ", "RePAQ+Rerank", "BM25+FiD"}
    assert rows >= {"Only In-Batch", "Only Global", "In-Batch->Global"}
    assert all(0 <= value <= 100 for value in measured.filter(pl.col("metric").is_in(["em", "f1", "recall"]))["value"])
    shares = measured.filter(pl.col("table") == "figure7")["x"].unique().sort().to_list()
    assert shares == [0.0, 8.0, 25.0, 50.0, 75.0, 100.0]


def test_a_finished_run_is_not_done_again(done: Ended, directory: Path):
    metrics = Path(done.json["metrics"])
    before = metrics.read_bytes()
    again = run(directory / "home", *TOY, "--out", str(directory / "report"), "--json")
    assert again.code == 0, again.err
    assert (again.json["computed"], again.json["reused"]) == (0, done.json["computed"] + done.json["reused"])
    assert metrics.read_bytes() == before


@pytest.mark.usefixtures("prefect")
def test_a_table_is_a_flow_of_its_own_that_finds_what_the_study_made(done: Ended, directory: Path):
    order = ReproduceTable(preset="toy", home=str(directory / "home"), out=str(directory / "table5"))
    planned = plan(Reproduce(**dict(order), only=("table5",)))
    assert [one.step for one in planned.missing] == ["judge claims", "build report"]
    with counting() as tally:
        table5(order)
    assert tally.computed == 2
    assert not plan(Reproduce(**dict(order), only=("table5",))).missing
    whole, alone = (pl.read_parquet(path) for path in (done.json["metrics"], directory / "table5" / "metrics.parquet"))
    own = pl.col("table") == "table5"
    assert alone.filter(own).equals(whole.filter(own))


@pytest.mark.slow
def test_tables_named_later_share_the_models_that_are_there(done: Ended, directory: Path):
    home, report = directory / "home", directory / "more-report"
    more = run(
        home,
        "reproduce",
        "--preset",
        "toy",
        "--only",
        "table6,table7,speed,integration",
        "--out",
        str(report),
        "--json",
    )
    assert more.code == 0, more.err
    assert "train in-batch world-generated-s0-inbatch: found" in more.out
    measured = pl.read_parquet(more.json["metrics"]).filter(pl.col("source") == "measured")
    rows = {(row["table"], row["row"], row["memory"], row["x"]) for row in measured.to_dicts()}
    assert rows >= {
        ("table6", "Ours 60M", "generated", None),
        ("table6", "PAQ 65M", "imported", None),
        ("table6", "Both", "joined", None),
        ("table7", "DPR-reverse", "generated", None),
        ("table7", "QAMAT Fine-tuned", "generated", 5.0),
        ("table7", "QAMAT Fine-tuned", "generated", 100.0),
        ("speed", "FiD", "none", None),
        ("integration", "Neural part alone", "generated", None),
        ("integration", "Both parts, neural part dropped", "generated", None),
    }
    judged = set(measured.filter(pl.col("table") == "claims")["row"])
    assert judged >= {"wider-memory", "more-examples", "discrete-memory", "speed"}


def test_a_registered_corpus_takes_the_place_of_the_world(done: Ended, directory: Path):
    """The memory that the study generated, under another name and with questions that are called something else."""
    parts = {split: f"world-{split}" for split in ("train", "dev", "test")}
    home, order = directory / "home", {"preset": "toy", "home": str(directory / "home"), "name": "own"}
    given = Reproduce.model_validate(order | {"corpus": "world", "datasets": [{"dataset": "nq"} | parts]})
    made = plan(given)
    assert not {"table1", "table3", "table6"} & {*made.tables}
    assert not {"build world", "train generator", "build memory"} & {one.step for one in made.steps}
    memory = Store(home).newest("qa_pairs", "world")
    indexed = {
        one.job.inputs["memory"] for one in made.steps if one.step == "build index" and "reversed" not in one.name
    }
    assert indexed == {memory}
    with pytest.raises(MissingArtifactError, match="was not generated here"):
        plan(given.model_copy(update={"corpus": "world-gold"}))


def test_nothing_is_lost_on_the_way(done: Ended, directory: Path):
    for row in Store(directory / "home").registry.rows():
        assert row.read == row.kept + row.rejected
        assert row.flow_run_id


def test_the_store_is_intact_and_the_work_is_cleared(done: Ended, directory: Path):
    assert run(directory / "home", "artifacts", "verify").code == 0
    assert not list((directory / "home" / "work").glob("*/"))


def test_a_question_is_answered_with_its_evidence(done: Ended, directory: Path):
    home = directory / "home"
    pairs = Store(home).open_table(Store(home).newest("qa_pairs", "world")).to_pylist()
    found = run(home, "ask", pairs[0]["question"], "--json")
    assert found.code == 0, found.err
    assert 0 <= found.json["confidence"] <= 1
    assert len(found.json["evidence"]) == 2
    assert found.err == ""
    weights = [entry["weight"] for entry in found.json["evidence"]]
    assert weights == sorted(weights, reverse=True)
    assert math.isclose(sum(weights), 1, abs_tol=1e-3)
    assert all(entry["passage"] for entry in found.json["evidence"])


def test_an_unsure_answer_is_withheld(done: Ended, directory: Path):
    found = run(directory / "home", "ask", "who?", "--min-confidence", "1", "--json")
    assert found.code == 0
    assert found.json["answer"] is None


@pytest.mark.usefixtures("prefect")
@pytest.mark.slow
def test_either_filter_judges_what_was_generated(done: Ended, directory: Path):
    store = Store(directory / "home")

    def verdicts(memory: ArtifactRef) -> tuple[str, str, str]:
        row = store.row(memory)
        (name,) = set(store.open_table(row.inputs["verdicts"], ["filter"])["filter"].to_pylist())
        assert name == funnel(store, memory)[2].by
        return name, row.inputs["verdicts"].content, row.inputs["questions"].key

    order = RefilterCorpus(name="world", to="world-open", filter="open-domain", preset="toy", home=str(store.home))
    again = order.model_copy(update={"name": "world-open", "to": "world-again", "filter": "reading-comprehension"})
    own = store.newest("qa_pairs", "world")
    other, back = (refilter_corpus(one).qa_pairs for one in (order, again))
    assert verdicts(other)[0] == "open-domain"
    assert verdicts(own)[0] == "reading-comprehension"
    assert verdicts(other)[1:] != verdicts(own)[1:]
    assert verdicts(back) == verdicts(own), "the same filter judges the same questions"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ask", " "], "a question has 1 to"),
        (["ask", "who?", "--top-k", "100000"], "top-k is 100000: this model reads at most"),
        (["ask", "who?", "--checkpoint", "nobody"], "checkpoint/nobody is not registered; names of kind checkpoint:"),
        pytest.param(
            ["train", "global", "--preset", "toy", "--memory", "nothing"],
            "qa_pairs/nothing is not registered",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ["train", "global", "--preset", "toy", "--memory", "world", "--name", "x"],
            "checkpoint/x-inbatch is not",
            marks=pytest.mark.slow,
        ),
        (["evaluate", "--checkpoint", "world", "--questions", "world-dev"], "checkpoint/world"),
        (["reproduce", "--preset", "toy", "--only", "table9"], "only"),
        (["reproduce", "--preset", "toy", "--seeds", "0"], "seeds"),
        (["reproduce", "--preset", "toy", "--from", "nowhere"], "nowhere: no such directory, and no hub id"),
        pytest.param(
            ["index", "build", "--checkpoint", "nobody", "--memory", "world"],
            "checkpoint/nobody is not registered",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_refusals_are_one_clear_line(done: Ended, directory: Path, arguments: list[str], words: str):
    refused = run(directory / "home", *arguments)
    assert refused.code == 1
    assert words in refused.err
    assert refused.err.count("\n") == 1


def test_another_memory_is_encoded_for_a_model_in_the_way_of_its_own(done: Ended, directory: Path):
    home = directory / "home"
    order = ["index", "build", "--checkpoint", "world-generated-s0-finetune", "--memory", "world-gold", "--json"]
    made = run(home, *order)
    assert made.code == 0, made.err
    store = Store(home)
    row, own = (store.row(store.newest("index", name)) for name in ("world-gold", "world-generated-s0-inbatch"))
    assert made.json["index"]["key"] == row.ref.key
    assert (row.config, row.inputs["encoder"]) == (own.config, own.inputs["encoder"])
    assert row.inputs["memory"] == store.newest("qa_pairs", "world-gold")
    assert row.notes["entries"] == store.row(row.inputs["memory"]).rows


@pytest.mark.slow
def test_a_memory_is_trained_and_evaluated_stage_by_stage(done: Ended, directory: Path):
    home = directory / "home"
    common = ["--preset", "toy", "--memory", "world", "--name", "own", "--json"]
    for stage in ("inbatch", "global", "finetune"):
        trained = run(home, "train", stage, *common)
        assert trained.code == 0, trained.err
        assert trained.json["checkpoint"]["name"] == f"own-{stage}"
    measured = run(home, "evaluate", "--checkpoint", "own-finetune", "--questions", "world-dev", "--json")
    assert measured.code == 0, measured.err
    assert measured.json["n"] > 0
    assert {row["metric"] for row in measured.json["metrics"]} == {"em", "f1", "recall"}
    other = ["evaluate", "--checkpoint", "own-finetune", "--memory", "world-gold", "--questions", "world-dev", "--json"]
    assert {row["memory"] for row in run(home, *other).json["metrics"]} == {"gold"}


@pytest.mark.slow
def test_two_hop_questions_of_a_study_that_starts_from_a_public_t5_on_a_mesh(directory: Path):
    """Generators and models of both worlds have its shape and its tokenizer; two devices divide each batch."""
    t5, home = SHAPE.model_copy(update={"vocab_size": 145}), directory / "public"
    source = save_huggingface(directory / "t5", t5, state(t5))
    tokenizer().save(source)
    more = ("--only", "table3", "--from", str(source), "--mesh", "2x1", "--json")
    ended = run(home, "reproduce", "--preset", "toy", "--out", str(directory / "public-report"), *more, devices=2)
    assert ended.code == 0, ended.err
    store = Store(home)
    begun = store.newest("tokenizer", "world-t5")
    made = [row.ref for row in store.registry.rows() if row.ref.kind == "checkpoint"]
    assert {"world", "world-t5", "world-gold-s0-inbatch", "world-gold-s0-finetune"} <= {ref.name for ref in made}
    for card in (load_card(store.open_directory(ref)) for ref in made):
        assert (card.model, card.tokenizer) == (t5, begun)
    measured = pl.read_parquet(ended.json["metrics"]).filter(pl.col("source") == "measured")
    rows = measured.filter(pl.col("table") == "table3").select("row", "dataset").unique()
    assert len(rows) == 9
    judged = measured.filter((pl.col("table") == "claims") & (pl.col("metric") == "p")).select("row", "dataset").rows()
    assert set(judged) == {
        *(("two-rounds", dataset) for dataset in ("world-two-hop", "world-b-two-hop")),
        ("hotpotqa-start", "world-b-two-hop"),
    }
    text = (directory / "public-report" / "report.md").read_text()
    assert "The models start from " in text
    assert "a pointer head" not in text
    assert f"--from {source}" in text


@pytest.mark.slow
def test_stopping_anywhere_changes_nothing(done: Ended, directory: Path):
    """A run that is stopped again and again ends with the very metrics of the other home."""
    home, report = directory / "often", directory / "often-report"
    arguments = [*TOY, "--out", str(report), "--json"]
    for seconds in range(12, 60, 7):
        ended = run_for(home, seconds, *arguments)
        assert ended.code in (0, 130), ended.err
    ended = run(home, *arguments)
    assert ended.code == 0, ended.err
    assert (report / "metrics.parquet").read_bytes() == Path(done.json["metrics"]).read_bytes()
