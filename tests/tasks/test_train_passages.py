"""Passages of who lives where: retrieved by words and by vectors, read by FiD and by spans."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest

from qamat_core.passages.dual_encoder import passage_tokens
from qamat_core.qamat.examples import question_inputs
from qamat_core.store.store import Store
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import load_card
from schemas.artifacts import ArtifactRef
from schemas.errors import ConfigError, IncompatibleArtifactError, InputError, TrainingError
from schemas.evaluation import Place, SpeedConfig
from schemas.fid import Reading
from schemas.passages import (
    DprConfig,
    EvaluatePassagesConfig,
    ExtractiveConfig,
    FidTrainingConfig,
    MdrConfig,
    PassageIndexConfig,
    RetrieveHopsConfig,
    RetrievePassagesConfig,
)
from schemas.qamat import IndexConfig
from schemas.records import Passage
from schemas.resources import Resources
from schemas.training import OptimizerConfig, TrainingConfig
from tasks import (
    encode_passages,
    evaluate_passages,
    index_passages,
    measure_speed,
    retrieve_hops,
    retrieve_passages,
    train_dpr,
    train_extractive,
    train_fid,
    train_mdr,
)
from tasks.evaluate_passages import PassageReadingInputs
from tasks.measure_speed import SpeedInputs
from tasks.reading_stage import ReadingInputs
from tasks.retrieve_hops import HopsInputs
from tasks.retrieve_passages import RetrievalInputs
from tasks.train_mdr import MdrInputs
from tests.qamat_core.qamat import tiny
from tests.tasks.corpus import pair, passage, register
from tests.tasks.tiny_home import make_home

READING = Reading(passages=2, passage_length=48, question_length=20, target_length=6)


def training(steps: int, rate: float) -> TrainingConfig:
    return TrainingConfig(
        steps=steps, batch_size=10, optimizer=OptimizerConfig(learning_rate=rate, clip_norm=1.0), log_every=10
    )


MODEL: dict[str, Any] = {"model": tiny.config()}
DPR = DprConfig(**MODEL, training=training(40, 5e-3), passage_length=24)
MDR = MdrConfig(**MODEL, training=training(80, 5e-3), passage_length=24, query_length=40)
FID = FidTrainingConfig(**MODEL, training=training(150, 1e-2), reading=READING)
EXTRACTIVE = ExtractiveConfig(**MODEL, training=training(60, 1e-2), reading=READING)


@dataclass(frozen=True)
class Home:
    store: Store
    resources: Resources
    refs: dict[str, ArtifactRef]

    def retrieve(self, index: str, questions: str, name: str, encoder: str | None = None) -> ArtifactRef:
        inputs = RetrievalInputs(self.refs[index], self.refs[questions], self.refs[encoder] if encoder else None)
        config = RetrievePassagesConfig(passages=3, batch_size=16)
        return retrieve_passages.run(config, inputs, name=name, resources=self.resources)

    def learn(self, found: str = "found", questions: str = "asked") -> ReadingInputs:
        refs = self.refs
        return ReadingInputs(refs["encoder"], refs["passages"], refs[questions], refs[found])

    def evaluate(self, checkpoint: str, found: str = "found", questions: str = "asked") -> list[dict[str, Any]]:
        refs = self.refs
        inputs = PassageReadingInputs(refs[checkpoint], refs["passages"], refs[questions], refs[found])
        config = EvaluatePassagesConfig(batch_size=4)
        made = evaluate_passages.run(config, inputs, name=f"{checkpoint}-{questions}", resources=self.resources)
        return self.store.open_table(made).to_pylist()

    def right_at_once(self, found: ArtifactRef) -> int:
        return sum(row["passage_ids"][0] == f"p{number}" for number, row in enumerate(self.rows(found)))

    def rows(self, ref: ArtifactRef) -> list[dict[str, Any]]:
        return self.store.open_table(ref).to_pylist()


def questions(text: str, answers: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "example_id": name,
            "question": text.format(name),
            "answers": [answer],
            "dataset": "tiny",
            "split": "train",
        }
        for name, answer in zip(tiny.PEOPLE, answers, strict=True)
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Ten passages, ten questions, what BM25 finds."""
    store = make_home(tmp_path_factory.mktemp("passages"))
    resources = Resources(home=str(store.home))
    refs = {row.ref.name: row.ref for row in store.registry.rows() if row.ref.kind == "checkpoint"}
    people = zip(tiny.PEOPLE, tiny.TOWNS, strict=True)
    texts = [passage(number, f"{name} lives in {town}, does she?") for number, (name, town) in enumerate(people)]
    refs["passages"] = register(store, "passages", "people", texts, shard_rows=4)
    refs["asked"] = register(store, "qa_examples", "asked", questions("Where does {} live?", tiny.TOWNS))
    refs["index"] = index_passages.run(PassageIndexConfig(), refs["passages"], name="people", resources=resources)
    made = Home(store, resources, refs)
    refs["found"] = made.retrieve("index", "asked", "found")
    return made


def test_words_find_the_passage_and_a_question_without_known_words_finds_none(home: Home):
    assert home.right_at_once(home.refs["found"]) == 10
    home.refs["strange"] = register(home.store, "qa_examples", "strange", questions("{}'s?", tiny.TOWNS)[:1])
    home.refs["odd"] = register(home.store, "qa_examples", "odd", questions("qqq", ["Dorf"] * 10)[:1])
    assert home.rows(home.retrieve("index", "strange", "strange"))[0]["passage_ids"] == ["p0"]
    assert home.rows(home.retrieve("index", "odd", "odd"))[0]["passage_ids"] == []


def test_training_a_dense_retriever_raises_its_recall(home: Home):
    refs, resources = home.refs, home.resources
    refs["dpr"] = train_dpr.run(DPR, home.learn(), name="dpr", resources=resources)
    inputs = encode_passages.EncodingInputs(refs["passages"], refs["dpr"])
    refs["vectors"] = encode_passages.run(IndexConfig(batch_size=4), inputs, name="dpr", resources=resources)
    found = home.retrieve("vectors", "asked", "dense", "dpr")
    assert home.right_at_once(found) > max(_right_untrained(home), 7)
    for row in home.rows(found):
        assert row["scores"] == sorted(row["scores"], reverse=True)
        assert len(set(row["passage_ids"])) == 3
    with pytest.raises(IncompatibleArtifactError, match="was made by encoder"):
        home.retrieve("vectors", "asked", "strangers", "encoder")
    with pytest.raises(ConfigError, match="give an encoder to search passage_vectors"):
        home.retrieve("vectors", "asked", "nobody")


def _right_untrained(home: Home) -> int:
    tokenizer = Tokenizer.load(home.store.open_directory(home.store.newest("tokenizer", "m")))
    passages = [Passage(**row) for row in home.rows(home.refs["passages"])]
    asked = question_inputs([row["question"] for row in home.rows(home.refs["asked"])], tokenizer, tiny.config())
    queries, vectors = (tiny.encode(tokens)[:, 0] for tokens in (asked, passage_tokens(passages, tokenizer, 24)))
    return int(((queries @ vectors.T).argmax(axis=1) == range(10)).sum())


@pytest.mark.parametrize(
    ("role", "run", "config"),
    [("fid", train_fid.run, FID), ("extractive", train_extractive.run, EXTRACTIVE)],
    ids=["fid", "extractive"],
)
def test_a_reader_learns_ten_questions_by_heart(home: Home, role: str, run: Callable[..., ArtifactRef], config: Any):
    home.refs[role] = run(config, home.learn(), name=role, resources=home.resources)
    assert load_card(home.store.open_directory(home.refs[role])).role == role
    rows = home.evaluate(role)
    assert [row["prediction"] for row in rows] == tiny.TOWNS
    for number, row in enumerate(rows):
        assert row["exact_match"]
        assert row["retrieved_ids"][0] == f"p{number}"
        assert row["first_hit"] == 0
        assert len(row["weights"]) == len(row["retrieved_ids"]) == 2
        assert sum(row["weights"]) == pytest.approx(1, abs=1e-3)
        assert row["sum_logprob"] <= 0
    home.refs["odd"] = register(home.store, "qa_examples", "odd", questions("qqq", ["Dorf"] * 10)[:1])
    home.refs["none"] = home.retrieve("index", "odd", "odd")
    (alone,) = home.evaluate(role, "none", "odd")
    assert (alone["retrieved_ids"], alone["first_hit"], alone["margin"]) == ([], None, None)
    assert role == "fid" or alone["prediction"] == ""


@pytest.mark.slow
def test_two_rounds_find_the_passages_of_both_hops(home: Home):
    refs, resources = home.refs, home.resources
    inputs = _two_hops(home)
    refs["mdr"] = train_mdr.run(MDR, inputs, name="mdr", resources=resources)
    encoding = encode_passages.EncodingInputs(inputs.passages, refs["mdr"])
    vectors = encode_passages.run(IndexConfig(batch_size=8), encoding, name="mdr", resources=resources)
    config = RetrieveHopsConfig(passages=2, beam=2, batch_size=4)
    found = retrieve_hops.run(config, HopsInputs(vectors, refs["asked"], refs["mdr"]), name="mdr", resources=resources)
    lines = [row["passage_ids"] for row in home.rows(found)]
    assert sum(line == [f"p{number}", f"p{number + 10}"] for number, line in enumerate(lines)) > 6, lines
    with pytest.raises(ConfigError, match="checkpoint/encoder@0 is no retriever of passages"):
        retrieve_hops.run(config, HopsInputs(vectors, refs["asked"], refs["encoder"]), name="x", resources=resources)
    unknown = register(home.store, "multihop_examples", "unknown", [])
    with pytest.raises(TrainingError, match="of none of 10 questions the passages of both hops are known"):
        train_mdr.run(MDR, replace(inputs, hops=unknown), name="x", resources=resources)


def _two_hops(home: Home) -> MdrInputs:
    """Who lives where, and what each town is: the second passage is named by the first alone."""
    towns = [passage(number + 10, f"{town}, {town}, where she lives") for number, town in enumerate(tiny.TOWNS)]
    rows = home.rows(home.refs["passages"]) + towns
    people = register(home.store, "passages", "both", rows)
    index = index_passages.run(PassageIndexConfig(), people, name="both", resources=home.resources)
    home.refs["both"] = index
    pairs = [pair(f"q{number}", "?", "!", f"p{number}", 0) for number in range(20)]
    memory = register(home.store, "qa_pairs", "both", pairs)
    hops = [
        {
            "example_id": name,
            "first_qa_id": f"q{number}",
            "final_qa_id": f"q{number + 10}",
            "tier": "gold",
            "score": 1.0,
        }
        for number, name in enumerate(tiny.PEOPLE)
    ]
    known = register(home.store, "multihop_examples", "both", hops)
    found = home.retrieve("both", "asked", "both")
    return MdrInputs(home.refs["encoder"], people, home.refs["asked"], found, known, memory)


def test_speed_is_measured_once_and_only_of_a_qamat_and_a_fid(home: Home):
    refs, resources = home.refs, home.resources
    fid = train_fid.run(FID, home.learn(), name="fid", resources=resources)
    index = home.store.newest("index", "encoder")
    place = Place(table="speed", row="", dataset="tiny", split="train", memory="generated", model_size="tiny")
    config = SpeedConfig(place=place, entries=2, passages=2, passage_length=48, questions=4, rounds=3, resamples=50)
    inputs = SpeedInputs(refs["tuned"], index, refs["asked"], fid, refs["passages"], refs["found"])
    made = measure_speed.run(config, inputs, name="speed", resources=resources)
    measured = {(row["row"], row["metric"]): row for row in home.rows(made)}
    assert set(measured) == {
        *product(("QAMAT", "FiD"), ["questions_per_second"]),
        *product(["speed"], ("difference", "p")),
    }
    for system in ("QAMAT", "FiD"):
        row = measured[system, "questions_per_second"]
        assert 0 < row["low"] <= row["value"] <= row["high"]
        assert (row["n"], row["seed"], row["table"]) == (3, None, "speed")
    assert measure_speed.run(config, inputs, name="speed", resources=resources) == made
    with pytest.raises(ConfigError, match="checkpoint/encoder@0 is no FiD but of the role 'encoder': train one"):
        measure_speed.run(config, replace(inputs, fid=refs["encoder"]), name="other", resources=resources)


def test_what_cannot_be_learned_or_asked_is_refused_in_one_line(home: Home):
    resources, refs = home.resources, home.refs
    refs["nowhere"] = register(home.store, "qa_examples", "nowhere", questions("Where does {} live?", ["Nowhere"] * 10))
    with pytest.raises(TrainingError, match="none of 10 questions has its answer in the 2 passages read"):
        train_extractive.run(EXTRACTIVE, home.learn(questions="nowhere"), name="x", resources=resources)
    with pytest.raises(TrainingError, match="none of 10 questions retrieves a passage that holds its answer"):
        train_dpr.run(DPR, home.learn(questions="nowhere"), name="x", resources=resources)
    refs["nothing"] = register(home.store, "qa_examples", "nothing", [])
    with pytest.raises(InputError, match="holds no question"):
        home.retrieve("index", "nothing", "nothing")
    with pytest.raises(ConfigError, match="checkpoint/encoder@0 is no reader of passages but of the role 'encoder'"):
        home.evaluate("encoder")
    encoding = encode_passages.EncodingInputs(refs["passages"], refs["encoder"])
    with pytest.raises(ConfigError, match="checkpoint/encoder@0 is no retriever of passages"):
        encode_passages.run(IndexConfig(), encoding, name="x", resources=resources)
    empty = register(home.store, "passages", "empty", [])
    with pytest.raises(InputError, match="holds no passage to index"):
        index_passages.run(PassageIndexConfig(), empty, name="x", resources=resources)
    unasked = questions("{}", tiny.TOWNS)[0] | {"example_id": "new"}
    other = register(home.store, "qa_examples", "other", [unasked])
    inputs = ReadingInputs(refs["encoder"], refs["passages"], other, refs["found"])
    with pytest.raises(IncompatibleArtifactError, match="lacks 1 of 1 questions"):
        train_fid.run(FID, inputs, name="x", resources=resources)
    elsewhere = register(home.store, "passages", "elsewhere", [passage(99, "Nobody.")])
    inputs = ReadingInputs(refs["encoder"], elsewhere, refs["asked"], refs["found"])
    with pytest.raises(IncompatibleArtifactError, match="passage p0 was retrieved and is not there"):
        train_dpr.run(DPR, inputs, name="x", resources=resources)
