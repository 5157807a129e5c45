"""The whole way at toy size: world to predictions, through every stage; done work is found again."""

import json
import math
import shutil
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
import pytest

from qamat_core.evaluation.attribution import NAMES
from qamat_core.indexes.oracle import Oracle
from qamat_core.qamat.batches import in_batch
from qamat_core.qamat.index import load_index
from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_card, load_params
from qamat_core.training.loop import train
from schemas.artifacts import ArtifactRef
from schemas.corpus import BuildWorldConfig, ComposeConfig, MultihopConfig, NegativesConfig
from schemas.errors import ConfigError, CorruptArtifactError, IncompatibleArtifactError, InputError, TrainingError
from schemas.evaluation import AttributionConfig, Place
from schemas.generation import TrainTokenizerConfig
from schemas.model import T5Config
from schemas.qamat import (
    ClosedBookConfig,
    EvaluationConfig,
    FinetuneConfig,
    GlobalConfig,
    InBatchConfig,
    IndexConfig,
    InitConfig,
    QamatConfig,
    SearchConfig,
)
from schemas.qamat import MultihopConfig as TwoRoundsConfig
from schemas.resources import Resources
from schemas.training import OptimizerConfig, TokenizerConfig, TrainingConfig
from schemas.world import WorldConfig
from tasks import (
    audit_attribution,
    build_index,
    build_searcher,
    build_world,
    compose_questions,
    evaluate,
    init_qamat,
    mine_multihop,
    mine_negatives,
    qamat_stage,
    train_closed_book,
    train_finetune,
    train_global,
    train_inbatch,
    train_multihop,
    train_tokenizer,
)
from tasks.qamat_stage import QuestionStageInputs
from tasks.searching import open_search
from tests.tasks.corpus import register

T5 = T5Config(variant="1.0", d_model=16, num_heads=2, head_dim=8, d_ff=16, num_encoder_layers=1, num_decoder_layers=1)
QAMAT = QamatConfig(t5=T5, passage_length=40, question_length=16, target_length=6, key_length=12, value_length=14)
STEPS = TrainingConfig(steps=4, batch_size=4, optimizer=OptimizerConfig(learning_rate=1e-3), log_every=2, save_every=2)
SHARED: dict[str, Any] = {"model": QAMAT, "training": STEPS, "top_k": 2, "retrieval_loss_weight": 1.0}
PASSAGES = {**SHARED, "question_share": 0.3}
ONE_ROUND = EvaluationConfig(top_k=2, ks=(1, 2), recall_at=(1, 4), batch_size=16)
WORLD = BuildWorldConfig(
    world=WorldConfig(persons=14, cities=6, countries=2, companies=4, books=4, annotation_worlds=0), shard_rows=100
)


@dataclass(frozen=True)
class Chain:
    """All stages of one home; a stage runs when it is first asked for."""

    resources: Resources

    @cached_property
    def store(self) -> Store:
        return Store(self.resources.home)

    @cached_property
    def world(self) -> build_world.WorldRefs:
        return build_world.run(WORLD, name="w", resources=self.resources)

    @cached_property
    def tokenizer(self) -> ArtifactRef:
        config = TrainTokenizerConfig(tokenizer=TokenizerConfig(vocab_size=300))
        texts = [self.world.passages, self.world.gold_pairs]
        return train_tokenizer.run(config, texts, name="w", resources=self.resources)

    @cached_property
    def examples(self) -> ArtifactRef:
        inputs = mine_negatives.NegativesInputs(self.world.passages, self.world.gold_pairs)
        config = NegativesConfig(spans_per_passage=2, negatives_per_example=2)
        return mine_negatives.run(config, inputs, name="w", resources=self.resources).pretrain_examples

    @cached_property
    def mined(self) -> ArtifactRef:
        inputs = mine_multihop.MultihopInputs(self.world.questions["train"], self.world.gold_pairs)
        return mine_multihop.run(MultihopConfig(hops=1), inputs, name="one", resources=self.resources).multihop_examples

    @cached_property
    def mined_two_hop(self) -> ArtifactRef:
        inputs = mine_multihop.MultihopInputs(self.world.two_hop["train"], self.world.gold_pairs)
        return mine_multihop.run(MultihopConfig(), inputs, name="two", resources=self.resources).multihop_examples

    @cached_property
    def composed(self) -> compose_questions.ComposedRefs:
        config, memory = ComposeConfig(hops=2), self.world.gold_pairs
        return compose_questions.run(config, memory, name="composed", resources=self.resources)

    @cached_property
    def init(self) -> ArtifactRef:
        return init_qamat.run(InitConfig(model=QAMAT), self.tokenizer, name="init", resources=self.resources)

    @cached_property
    def inbatch(self) -> ArtifactRef:
        return self.train_inbatch("inbatch")

    def train_inbatch(self, name: str) -> ArtifactRef:
        inputs = train_inbatch.InBatchInputs(self.init, self.world.gold_pairs, self.examples)
        config = InBatchConfig(**PASSAGES, negatives_per_example=2)
        return train_inbatch.run(config, inputs, name=name, resources=self.resources)

    @cached_property
    def index(self) -> ArtifactRef:
        return self.indexed_by(self.inbatch, "index")

    def indexed_by(self, encoder: ArtifactRef, name: str) -> ArtifactRef:
        inputs = build_index.IndexInputs(self.world.gold_pairs, encoder)
        return build_index.run(IndexConfig(batch_size=32), inputs, name=name, resources=self.resources)

    @cached_property
    def global_(self) -> ArtifactRef:
        inputs = train_global.GlobalInputs(self.inbatch, self.index, self.examples)
        return train_global.run(GlobalConfig(**PASSAGES), inputs, name="global", resources=self.resources)

    @cached_property
    def finetuned(self) -> ArtifactRef:
        inputs = QuestionStageInputs(self.global_, self.index, self.world.questions["train"], self.mined)
        return train_finetune.run(FinetuneConfig(**SHARED), inputs, name="finetune", resources=self.resources)

    @cached_property
    def multihop(self) -> ArtifactRef:
        asked = (self.world.two_hop["train"], self.mined_two_hop)
        own = (self.composed.qa_examples, self.composed.multihop_examples)
        inputs = QuestionStageInputs(self.global_, self.index, *asked, *own)
        config = TwoRoundsConfig(**SHARED, own_share=0.5)
        return train_multihop.run(config, inputs, name="multihop", resources=self.resources)

    @cached_property
    def closed_book(self) -> ArtifactRef:
        inputs = train_closed_book.ClosedBookInputs(self.init, self.examples, self.world.questions["train"])
        config = ClosedBookConfig(model=QAMAT, passages=STEPS, questions=STEPS)
        return train_closed_book.run(config, inputs, name="closed-book", resources=self.resources)

    def evaluate(
        self, checkpoint: ArtifactRef, index: ArtifactRef | None, name: str = "e", two_hop: bool = False, **more: Any
    ) -> dict[int, ArtifactRef]:
        questions = (self.world.two_hop if two_hop else self.world.questions)["dev"]
        config = ONE_ROUND.model_copy(update=more)
        inputs = evaluate.EvaluateInputs(checkpoint, questions, index)
        return evaluate.run(config, inputs, name=name, resources=self.resources)

    def checkpoints(self) -> dict[str, ArtifactRef]:
        """All checkpoints by the role that their cards must tell."""
        roles = ("init", "inbatch", "global", "finetune", "multihop", "closed-book")
        refs = (self.init, self.inbatch, self.global_, self.finetuned, self.multihop, self.closed_book)
        return dict(zip(roles, refs, strict=True))


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(Resources(home=str(tmp_path_factory.mktemp("qamat"))))


def _rows(chain: Chain, ref: ArtifactRef) -> list[dict[str, Any]]:
    return chain.store.open_table(ref).to_pylist()


def test_every_stage_leaves_a_checkpoint_that_says_what_it_is(chain: Chain):
    for role, ref in chain.checkpoints().items():
        card = load_card(chain.store.open_directory(ref))
        assert card.role == role
        assert card.tokenizer == chain.tokenizer
        frozen = role in ("global", "finetune", "multihop")
        assert card.memory_encoder == (chain.inbatch.content if frozen else None)
        assert ("loss" in chain.store.row(ref).notes) == (role != "init")


def test_the_index_holds_the_memory_and_who_encoded_it(chain: Chain):
    memory, card = load_index(chain.store.open_directory(chain.index))
    pairs = chain.store.open_table(chain.world.gold_pairs)
    assert (card.memory, card.encoder) == (chain.world.gold_pairs, chain.inbatch.content)
    assert [len(part) for part in memory] == [pairs.num_rows] * 3


def test_predictions_name_what_was_retrieved(chain: Chain):
    memory = {row["qa_id"]: row for row in _rows(chain, chain.world.gold_pairs)}
    refs = chain.evaluate(chain.finetuned, chain.index)
    by_k = {k: _rows(chain, ref) for k, ref in refs.items()}
    assert list(by_k) == [1, 2]
    assert [row["example_id"] for row in by_k[1]] == [row["example_id"] for row in by_k[2]]
    for k, rows in by_k.items():
        for row in rows:
            assert len(row["retrieved_ids"]) == 4
            assert sum(row["weights"][:k]) == pytest.approx(1, abs=1e-3)
            assert not any(row["weights"][k:])
            right = [memory[qa_id]["answer"] in row["answers"] for qa_id in row["retrieved_ids"]]
            assert row["first_hit"] == (right.index(True) if any(right) else None)
    assert [row["retrieved_ids"] for row in by_k[1]] == [row["retrieved_ids"] for row in by_k[2]]


def test_predictions_say_how_sure_each_answer_is(chain: Chain):
    for k, ref in chain.evaluate(chain.finetuned, chain.index).items():
        for row in _rows(chain, ref):
            assert row["sum_logprob"] <= 0
            lead = math.log(row["weights"][0] / row["weights"][1]) if k == 2 else row["margin"]
            assert row["margin"] == pytest.approx(lead, abs=2e-3)
    none = _rows(chain, chain.evaluate(chain.closed_book, None, name="none", rounds=0, ks=(1,))[1])
    assert {row["margin"] for row in none} == {None}
    assert all(row["sum_logprob"] <= 0 for row in none)


def test_an_audit_asks_again_without_the_entries_that_answers_rest_on(chain: Chain):
    place = Place(table="attribution", row="", dataset="w", split="dev", memory="gold", model_size="toy", k=2)
    config = AttributionConfig(place=place, reading=ONE_ROUND, questions=6, resamples=20)
    inputs = audit_attribution.AttributionInputs(chain.finetuned, chain.index, chain.world.questions["dev"])
    refs = audit_attribution.run(config, inputs, name="audit", resources=chain.resources)
    cases, asked = _rows(chain, refs.attributions), {row["example_id"]: row for row in _rows(chain, inputs.questions)}
    answered = {row["example_id"]: row for row in _rows(chain, chain.evaluate(chain.finetuned, chain.index)[2])}
    assert len({case["example_id"] for case in cases}) == min(6, len(asked))
    for case in cases:
        before = answered[case["example_id"]]
        assert case["prediction"] == before["prediction"]
        assert set(case["taken_ids"]) <= set(before["retrieved_ids"][:2])
        assert case["exact_match_then"] == (case["prediction_then"] in asked[case["example_id"]]["answers"])
    counts = {row["row"]: row["n"] for row in _rows(chain, refs.metrics) if row["metric"] == "answer_changed"}
    assert counts == {NAMES[taken]: count for taken, count in Counter(case["taken"] for case in cases).items()}
    with pytest.raises(ValueError, match="at most top_k"):
        AttributionConfig(place=place.model_copy(update={"k": 3}), reading=ONE_ROUND)


def test_two_rounds_and_no_round_answer_too(chain: Chain):
    two = _rows(chain, chain.evaluate(chain.multihop, chain.index, name="two", two_hop=True, rounds=2, ks=(2,))[2])
    assert all(len(row["retrieved_ids"]) == 4 for row in two)
    none = _rows(chain, chain.evaluate(chain.closed_book, None, name="none", rounds=0, ks=(1,))[1])
    assert none
    assert all(row["retrieved_ids"] == [] for row in none)


@pytest.mark.parametrize("backend", ["int8", "scann"])
def test_a_searcher_is_made_of_an_index_and_serves_those_who_may_search_it(
    chain: Chain, backend: Literal["int8", "scann"], tmp_path: Path
):
    config = SearchConfig(backend=backend, sample=20)
    inputs = build_searcher.SearcherInputs(chain.index, chain.inbatch)
    made = build_searcher.run(config, inputs, name=backend, resources=chain.resources)
    searched = qamat_stage.open_checkpoint(chain.store, chain.finetuned)
    keys = qamat_stage.open_index(chain.store, chain.index, searched)[0].keys
    _, search, _ = open_search(chain.store, chain.index, searched, made)
    queries = np.asarray(keys[:5])
    found, wanted = search.search(queries, 3), Oracle(np.asarray(keys)).search(queries, 3)
    np.testing.assert_allclose(found.scores, wanted.scores, rtol=0.02)
    card = json.loads((chain.store.open_directory(made) / "searcher.json").read_text())
    assert card["encoder"] == chain.inbatch.content
    assert card["recall"]["10"] >= 0.9
    stranger = qamat_stage.open_checkpoint(chain.store, chain.init)
    with pytest.raises(IncompatibleArtifactError, match=f"was made by encoder {chain.inbatch.content[:16]}, .*"):
        open_search(chain.store, chain.index, stranger, made)
    shutil.copytree(chain.resources.home, tmp_path / "home")
    file = next(path for path in (tmp_path / "home" / made.uri).iterdir() if path.suffix == ".npy")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CorruptArtifactError, match=file.name):
        open_search(Store(str(tmp_path / "home")), chain.index, searched, made)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_share_of_the_memory_is_kept(chain: Chain, share: float):
    entries = chain.store.open_table(chain.world.gold_pairs).num_rows
    more: dict[str, Any] = {"memory_share": share, "ks": (2,), "recall_at": (entries,)}
    ref = chain.evaluate(chain.finetuned, chain.index, name=f"share-{round(share * 10)}", **more)[2]
    assert {len(row["retrieved_ids"]) for row in _rows(chain, ref)} == {round(share * entries)}


def test_shares_of_the_memory_are_nested():
    gone = [set(evaluate.removed_rows(50, share, seed=3).tolist()) for share in (0.0, 0.25, 0.5, 1.0)]
    assert [len(rows) for rows in gone] == [50, 38, 25, 0]
    assert gone[0] > gone[1] > gone[2] > gone[3]


def test_a_second_run_computes_nothing(chain: Chain, monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("work was done again")

    first = {**chain.checkpoints(), "index": chain.index}, chain.evaluate(chain.finetuned, chain.index)
    for task in (train_inbatch, train_global, qamat_stage, train_closed_book):
        assert task.train is train
        monkeypatch.setattr(task, "train", refused)
    monkeypatch.setattr(build_index, "encode_entries", refused)
    monkeypatch.setattr(evaluate, "Answerer", refused)
    again = Chain(chain.resources)
    assert first == ({**again.checkpoints(), "index": again.index}, again.evaluate(again.finetuned, again.index))


def test_a_killed_stage_goes_on_and_ends_with_the_same_bytes(chain: Chain, monkeypatch: pytest.MonkeyPatch):
    whole, steps = chain.inbatch, list[int]()

    def dying(*args: Any) -> Any:
        steps.append(args[-1])
        if args[-1] == 2:
            raise KeyboardInterrupt
        return in_batch(*args)

    with monkeypatch.context() as patch:
        patch.setattr(train_inbatch, "in_batch", dying)
        with pytest.raises(KeyboardInterrupt):
            chain.train_inbatch("killed")
    assert steps[:3] == [0, 1, 2]
    steps.clear()
    monkeypatch.setattr(train_inbatch, "in_batch", lambda *args: steps.append(args[-1]) or in_batch(*args))
    assert chain.train_inbatch("killed").content == whole.content
    assert steps == [2, 3]


def test_a_stage_updates_what_is_not_frozen(chain: Chain):
    training = STEPS.model_copy(update={"frozen": ("encoder", "embeddings")})
    inputs = train_global.GlobalInputs(chain.inbatch, chain.index, chain.examples)
    config = GlobalConfig(**{**PASSAGES, "training": training})
    trained = train_global.run(config, inputs, name="frozen", resources=chain.resources)
    before, after = (load_params(chain.store.open_directory(ref)) for ref in (chain.inbatch, trained))
    same = jax.tree.map(lambda old, new: old.tobytes() == new.tobytes(), before, after)
    assert all(jax.tree.leaves([same["encoder"], same["token_embedder"]]))
    assert not any(jax.tree.leaves(same["decoder"]))


@pytest.mark.parametrize("banned", [False, True])
def test_own_entries_are_banned_as_a_stage_says(chain: Chain, banned: bool, monkeypatch: pytest.MonkeyPatch):
    batches: list[Any] = []

    def stop(*args: Any) -> None:
        batches.append(args[4](0))
        raise KeyboardInterrupt

    for task in (train_global, qamat_stage):
        monkeypatch.setattr(task, "train", stop)
    shared = {**SHARED, "retrieval_loss_weight": 0.0, "ban_own_entries": banned}
    more: dict[str, Any] = {"name": f"ban-{banned}".lower(), "resources": chain.resources}
    inputs = train_global.GlobalInputs(chain.inbatch, chain.index, chain.examples)
    with pytest.raises(KeyboardInterrupt):
        train_global.run(GlobalConfig(**shared), inputs, **more)
    memory, dataset = _rows(chain, chain.world.gold_pairs), {"dataset": "own", "split": "train"}
    own = [
        {"example_id": f"e{row}", "question": f"  {memory[row]['question'].upper()}", "answers": ["x"], **dataset}
        for row in range(4)
    ]
    questions = register(chain.store, "qa_examples", more["name"], own)
    asked = QuestionStageInputs(chain.inbatch, chain.index, questions, chain.mined)
    with pytest.raises(KeyboardInterrupt):
        train_finetune.run(FinetuneConfig(**shared), asked, **more)
    passages, asked_own = batches
    assert ((passages["banned_rows"] >= 0).any(), (passages["positives"] >= 0).any()) == (banned, not banned)
    assert sorted(asked_own["banned_rows"].ravel().tolist()) == ([0, 1, 2, 3] if banned else [-1] * 4)


def test_known_entries_cannot_be_banned_and_supervised():
    with pytest.raises(ValueError, match="retrieval_loss_weight is 1: ban_own_entries leaves no known entry"):
        GlobalConfig(**SHARED, ban_own_entries=True)


def test_a_training_leaves_event_files_that_are_no_part_of_the_checkpoint(chain: Chain):
    ref = chain.closed_book
    folder = chain.store.home / "tensorboard" / ref.name / ref.key[:8]
    stages = {path.parent.name for path in folder.rglob("*tfevents*")}
    assert stages == {"closed-book-passages", "closed-book-questions"}
    assert not list(chain.store.open_directory(ref).rglob("*tfevents*"))


def test_tables_without_examples_are_named_before_anything_is_opened(chain: Chain, monkeypatch: pytest.MonkeyPatch):
    passages, questions = (
        register(chain.store, kind, "nothing-at-all", []) for kind in ("pretrain_examples", "qa_examples")
    )
    start, index, memory = chain.inbatch, chain.index, chain.world.gold_pairs
    for task in (train_inbatch, train_global, qamat_stage, train_closed_book):
        monkeypatch.delattr(task, "open_checkpoint")
    more: dict[str, Any] = {"name": "nothing", "resources": chain.resources}
    for run in (
        lambda: train_inbatch.run(
            InBatchConfig(**SHARED), train_inbatch.InBatchInputs(start, memory, passages), **more
        ),
        lambda: train_global.run(GlobalConfig(**SHARED), train_global.GlobalInputs(start, index, passages), **more),
    ):
        with pytest.raises(TrainingError, match="pretrain_examples/nothing-at-all@0 holds no example: the memory"):
            run()
    inputs = QuestionStageInputs(start, index, questions, chain.mined)
    with pytest.raises(TrainingError, match="qa_examples/nothing-at-all@0 holds no training question: import"):
        train_finetune.run(FinetuneConfig(**SHARED), inputs, **more)


def test_a_damaged_shard_is_named_before_anything_is_opened(chain: Chain, monkeypatch: pytest.MonkeyPatch):
    start, memory = chain.inbatch, chain.world.gold_pairs
    damaged = register(chain.store, "pretrain_examples", "damaged", chain.store.open_table(chain.examples).to_pylist())
    shard = Store(chain.resources.home).open_shards(damaged)[0]
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 4
    shard.write_bytes(data)
    monkeypatch.delattr(train_inbatch, "open_checkpoint")
    inputs = train_inbatch.InBatchInputs(start, memory, damaged)
    with pytest.raises(CorruptArtifactError, match=shard.name):
        train_inbatch.run(InBatchConfig(**SHARED), inputs, name="damaged", resources=chain.resources)


def test_an_index_of_another_encoder_is_refused(chain: Chain):
    foreign = chain.indexed_by(chain.init, "foreign")
    message = f"{chain.init.content[:16]}.*{chain.inbatch.content[:16]}"
    with pytest.raises(IncompatibleArtifactError, match=message):
        chain.evaluate(chain.finetuned, foreign, name="foreign")
    inputs = train_global.GlobalInputs(chain.inbatch, foreign, chain.examples)
    with pytest.raises(IncompatibleArtifactError, match=message):
        train_global.run(GlobalConfig(**SHARED), inputs, name="foreign", resources=chain.resources)


def test_another_t5_than_the_checkpoints_is_refused(chain: Chain):
    wider = QAMAT.model_copy(update={"t5": T5.model_copy(update={"d_ff": 32})})
    config = GlobalConfig(**{**SHARED, "model": wider})
    inputs = train_global.GlobalInputs(chain.inbatch, chain.index, chain.examples)
    with pytest.raises(IncompatibleArtifactError, match=r"checkpoint/inbatch@0 has another T5 .*\(d_ff \d+, not 32\)"):
        train_global.run(config, inputs, name="wider", resources=chain.resources)


def test_more_slots_than_entries_are_refused_in_training(chain: Chain):
    config = GlobalConfig(**{**SHARED, "top_k": 10_000})
    inputs = train_global.GlobalInputs(chain.inbatch, chain.index, chain.examples)
    with pytest.raises(ConfigError, match="top_k is 10000, the memory has"):
        train_global.run(config, inputs, name="greedy", resources=chain.resources)


@pytest.mark.parametrize(("share", "given"), [(0.5, False), (0.0, True)])
def test_the_memorys_own_questions_are_given_where_they_have_a_share(chain: Chain, share: float, given: bool):
    own = (chain.composed.qa_examples, chain.composed.multihop_examples) if given else ()
    inputs = QuestionStageInputs(chain.global_, chain.index, chain.world.questions["train"], chain.mined, *own)
    config = FinetuneConfig(**SHARED, own_share=share)
    with pytest.raises(ConfigError, match=f"own_share is {share:g}: give"):
        train_finetune.run(config, inputs, name="share", resources=chain.resources)


def test_a_memory_that_gives_no_questions_is_named(chain: Chain):
    none = (register(chain.store, "qa_examples", "none", []), register(chain.store, "multihop_examples", "none", []))
    inputs = QuestionStageInputs(chain.global_, chain.index, chain.world.questions["train"], chain.mined, *none)
    with pytest.raises(TrainingError, match="qa_examples/none@0 is empty, the memory gives no such question"):
        train_finetune.run(FinetuneConfig(**SHARED, own_share=0.5), inputs, name="none", resources=chain.resources)


def test_what_cannot_be_evaluated_is_refused(chain: Chain):
    for index, rounds in ((None, 1), (chain.index, 0)):
        with pytest.raises(ConfigError, match=f"rounds is {rounds}: give an index for 1 or 2"):
            chain.evaluate(chain.finetuned, index, rounds=rounds)
    nothing = register(chain.store, "qa_examples", "nothing", [])
    inputs = evaluate.EvaluateInputs(chain.finetuned, nothing, chain.index)
    with pytest.raises(InputError, match="qa_examples/nothing@0 holds no question"):
        evaluate.run(ONE_ROUND, inputs, name="nothing", resources=chain.resources)


def test_an_empty_memory_cannot_be_indexed(chain: Chain):
    inputs = build_index.IndexInputs(register(chain.store, "qa_pairs", "nothing", []), chain.inbatch)
    with pytest.raises(InputError, match="qa_pairs/nothing@0 holds no pair to encode"):
        build_index.run(IndexConfig(), inputs, name="nothing", resources=chain.resources)
