"""Mined entries are mostly the world's true ones; unfound questions are rejected; content is the same on any run."""

from pathlib import Path

import pytest

from qamat_core.store.store import Store
from schemas.corpus import BuildWorldConfig, MultihopConfig
from schemas.resources import Resources
from schemas.world import WorldConfig
from tasks import build_world, mine_multihop
from tasks.mine_multihop import MultihopInputs, MultihopRefs
from tests.tasks.corpus import example, pair, register

WORLD = BuildWorldConfig(
    world=WorldConfig(persons=60, cities=24, countries=8, companies=16, books=20, annotation_worlds=0), shard_rows=100
)


def _run(home: Path, **how: int) -> tuple[Store, build_world.WorldRefs, MultihopRefs]:
    resources = Resources(home=str(home), **how)
    world = build_world.run(WORLD, name="w", resources=resources)
    inputs = MultihopInputs(world.two_hop["train"], world.gold_pairs)
    return Store(home), world, mine_multihop.run(MultihopConfig(), inputs, name="w", resources=resources)


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, build_world.WorldRefs, MultihopRefs]:
    return _run(tmp_path_factory.mktemp("home"))


def test_mined_chains_are_mostly_the_true_ones(mined: tuple[Store, build_world.WorldRefs, MultihopRefs]):
    store, world, refs = mined
    columns = ("example_id", "first_qa_id", "final_qa_id")
    true = {tuple(row[name] for name in columns) for row in store.open_table(world.two_hop_gold["train"]).to_pylist()}
    found = {tuple(row[name] for name in columns) for row in store.open_table(refs.multihop_examples).to_pylist()}
    assert len(found & true) > 0.85 * len(found)  # precision; it grows with the world, .98 at the size mini
    assert len(found & true) > 0.85 * len(true)  # recall


def test_a_single_hop_question_gets_its_entry_and_an_unfound_one_is_rejected(tmp_path: Path):
    store = Store(tmp_path)
    examples = register(store, "qa_examples", "e", [example(0, "Where is Bo?", "Dorf"), example(1, "Who?", "Al")])
    memory = register(store, "qa_pairs", "m", [pair("a", "where does Bo live?", "Dorf"), pair("b", "where?", "Dorf")])
    resources = Resources(home=str(tmp_path))
    refs = mine_multihop.run(MultihopConfig(hops=1), MultihopInputs(examples, memory), name="h", resources=resources)
    row = store.row(refs.multihop_examples)
    assert (row.read, row.kept, row.rejected) == (2, 1, 1)
    assert store.open_table(refs.rejects).column("record").to_pylist() == ["e1"]
    (found,) = store.open_table(refs.multihop_examples).to_pylist()
    assert (found["example_id"], found["first_qa_id"], found["final_qa_id"]) == ("e0", "", "a")


@pytest.mark.parametrize("how", [{"bundle_repeat": 2}, {"workers": 2}])
def test_content_does_not_depend_on_how_it_runs(
    mined: tuple[Store, build_world.WorldRefs, MultihopRefs], tmp_path: Path, how: dict[str, int]
):
    _, _, again = _run(tmp_path, **how)
    assert again.multihop_examples.content == mined[2].multihop_examples.content
