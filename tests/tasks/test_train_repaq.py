"""RePAQ over a memory of who lives where: questions in other words learn to find their entries."""

from dataclasses import dataclass
from typing import Any

import pytest

from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_card
from schemas.artifacts import ArtifactRef
from schemas.errors import ConfigError, IncompatibleArtifactError, InputError, TrainingError
from schemas.qamat import IndexConfig
from schemas.repaq import RepaqConfig, RepaqEvaluationConfig, RerankerConfig
from schemas.resources import Resources
from schemas.training import OptimizerConfig, TrainingConfig
from tasks import build_index, evaluate_repaq, train_repaq, train_reranker
from tasks.repaq_stage import RankingInputs
from tests.qamat_core.qamat import tiny
from tests.tasks.corpus import register
from tests.tasks.tiny_home import make_home

STEPS = TrainingConfig(steps=30, batch_size=10, optimizer=OptimizerConfig(learning_rate=5e-3), log_every=10)
RANKING: dict[str, Any] = {"model": tiny.config(), "training": STEPS, "top_k": 6, "batch_size": 16}
REPAQ = RepaqConfig(**RANKING, refresh_every=15)


@dataclass(frozen=True)
class Home:
    store: Store
    resources: Resources
    refs: dict[str, ArtifactRef]

    def evaluate(self, checkpoint: str, index: str, name: str, reranker: str | None = None) -> list[dict[str, Any]]:
        ranking = self.refs[reranker] if reranker else None
        inputs = evaluate_repaq.RepaqInputs(self.refs[checkpoint], self.refs[index], self.refs["asked"], ranking)
        config = RepaqEvaluationConfig(top_k=4, batch_size=16)
        made = evaluate_repaq.run(config, inputs, name=name, resources=self.resources)
        return self.store.open_table(made).to_pylist()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A retriever that was trained in two parts, its index, a re-ranker."""
    store = make_home(tmp_path_factory.mktemp("repaq"))
    resources = Resources(home=str(store.home))
    known = {row.ref.name: row.ref for row in store.registry.rows() if row.ref.kind == "checkpoint"}
    refs = {**known, "memory": _of(store, "qa_pairs", "m"), "old": _of(store, "index", "encoder")}
    refs["asked"] = register(store, "qa_examples", "asked", _questions(tiny.TOWNS))
    inputs = RankingInputs(refs["encoder"], refs["memory"], refs["asked"])
    refs["repaq"] = train_repaq.run(REPAQ, inputs, name="repaq", resources=resources)
    encoded = build_index.IndexInputs(refs["memory"], refs["repaq"])
    refs["index"] = build_index.run(IndexConfig(batch_size=16), encoded, name="repaq", resources=resources)
    ranked = RankingInputs(refs["repaq"], refs["memory"], refs["asked"])
    config = RerankerConfig(**RANKING)
    refs["reranker"] = train_reranker.run(config, ranked, name="reranker", resources=resources)
    return Home(store, resources, refs)


def _questions(answers: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "example_id": name,
            "question": f"{name} lives in?",
            "answers": [answer],
            "dataset": "tiny",
            "split": "train",
        }
        for name, answer in zip(tiny.PEOPLE, answers, strict=True)
    ]


def _of(store: Store, kind: str, name: str) -> ArtifactRef:
    return next(row.ref for row in store.registry.rows() if (row.ref.kind, row.ref.name) == (kind, name))


def _killed_in_part_two(train: Any) -> Any:
    def killed(*args: Any, until: int, **kwargs: Any) -> Any:
        if until > REPAQ.refresh_every:
            raise KeyboardInterrupt
        return train(*args, until=until, **kwargs)

    return killed


def test_training_finds_more_right_entries_and_reranking_orders_them(home: Home):
    dense, trained = home.evaluate("encoder", "old", "dense"), home.evaluate("repaq", "index", "trained")
    ranked = home.evaluate("repaq", "index", "ranked", "reranker")
    roles = [load_card(home.store.open_directory(home.refs[name])).role for name in ("repaq", "reranker")]
    assert roles == ["repaq", "reranker"]
    right = [sum(row["exact_match"] for row in rows) for rows in (dense, trained, ranked)]
    assert right[1] > right[0]
    for one, other in zip(trained, ranked, strict=True):
        assert one["exact_match"] == (one["first_hit"] == 0)
        assert sum(one["weights"]) == pytest.approx(1, abs=1e-3)
        assert one["weights"] == sorted(one["weights"], reverse=True)
        assert sorted(one["retrieved_ids"]) == sorted(other["retrieved_ids"])
        assert other["exact_match"] == (other["first_hit"] == 0)
    assert [row["retrieved_ids"] for row in trained] != [row["retrieved_ids"] for row in ranked]


@pytest.mark.slow
def test_a_training_that_was_killed_in_its_second_part_ends_like_an_unbroken_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    inputs = RankingInputs(home.refs["encoder"], home.refs["memory"], home.refs["asked"])
    with monkeypatch.context() as patch:
        patch.setattr(train_repaq, "train", _killed_in_part_two(train_repaq.train))
        with pytest.raises(KeyboardInterrupt):
            train_repaq.run(REPAQ, inputs, name="broken", resources=home.resources)
    broken = train_repaq.run(REPAQ, inputs, name="broken", resources=home.resources)
    assert broken.content == home.refs["repaq"].content


def test_what_cannot_be_trained_or_asked_is_refused(home: Home):
    nowhere = register(home.store, "qa_examples", "nowhere", _questions(["Nowhere"] * len(tiny.PEOPLE)))
    inputs = RankingInputs(home.refs["encoder"], home.refs["memory"], nowhere)
    with pytest.raises(TrainingError, match="none of 10 questions retrieves an entry with its answer among 6"):
        train_repaq.run(REPAQ, inputs, name="nowhere", resources=home.resources)
    with pytest.raises(IncompatibleArtifactError, match="was made by encoder"):
        home.evaluate("repaq", "old", "stranger")
    with pytest.raises(ConfigError, match="checkpoint/repaq@0 is no re-ranker"):
        home.evaluate("repaq", "index", "unranked", "repaq")
    nothing = register(home.store, "qa_examples", "nothing", [])
    asked = evaluate_repaq.RepaqInputs(home.refs["repaq"], home.refs["index"], nothing)
    with pytest.raises(InputError, match="holds no question"):
        evaluate_repaq.run(RepaqEvaluationConfig(), asked, name="nothing", resources=home.resources)
