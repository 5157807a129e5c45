"""A memory's own questions: links are the world's true chains, what composes nothing is rejected, content is stable."""

from pathlib import Path

import pytest

from qamat_core.store.store import Store
from schemas.corpus import BuildWorldConfig, ComposeConfig
from schemas.resources import Resources
from schemas.world import WorldConfig
from tasks import build_world, compose_questions
from tests.tasks.corpus import pair, register

Made = tuple[Store, build_world.WorldRefs, compose_questions.ComposedRefs]
WORLD = BuildWorldConfig(
    world=WorldConfig(persons=30, cities=12, countries=4, companies=8, books=10, annotation_worlds=0), shard_rows=40
)


def _run(home: Path, **how: int) -> Made:
    resources = Resources(home=str(home), **how)
    world = build_world.run(WORLD, name="w", resources=resources)
    return (
        Store(home),
        world,
        compose_questions.run(ComposeConfig(hops=2), world.gold_pairs, name="c", resources=resources),
    )


@pytest.fixture(scope="module")
def composed(
    tmp_path_factory: pytest.TempPathFactory,
) -> Made:
    return _run(tmp_path_factory.mktemp("home"))


def test_composed_links_include_all_true_chains(
    composed: Made,
):
    store, world, made = composed
    links = {(row["first_qa_id"], row["final_qa_id"]) for row in store.open_table(made.multihop_examples).to_pylist()}
    true = {
        (row["first_qa_id"], row["final_qa_id"])
        for ref in world.two_hop_gold.values()
        for row in store.open_table(ref).to_pylist()
    }
    assert len(links & true) > 0.95 * len(true)


def test_questions_carry_the_final_entrys_answer(
    composed: Made,
):
    store, world, made = composed
    memory = {row["qa_id"]: row for row in store.open_table(world.gold_pairs).to_pylist()}
    asked = {row["example_id"]: row for row in store.open_table(made.qa_examples).to_pylist()}
    mined = store.open_table(made.multihop_examples).to_pylist()
    assert len(asked) == len(mined)
    for row in mined:
        question = asked[row["example_id"]]
        first, final = memory[row["first_qa_id"]], memory[row["final_qa_id"]]
        assert question["answers"] == [final["answer"]]
        assert first["question"].removesuffix("?") in question["question"]
        assert first["answer"] not in question["question"]
        assert (row["tier"], question["dataset"]) == ("composed", "memory")


def test_an_entry_without_a_link_is_rejected(tmp_path: Path):
    store, resources = Store(tmp_path), Resources(home=str(tmp_path))
    pairs = [pair("a", "where does Bo live?", "Dorf"), pair("b", "who rules Dorf?", "Al")]
    memory = register(store, "qa_pairs", "m", pairs)
    for hops, rejected in ((1, []), (2, ["a"])):
        made = compose_questions.run(ComposeConfig(hops=hops), memory, name=f"c{hops}", resources=resources)
        row = store.row(made.qa_examples)
        assert (row.read, row.rejected) == (2, len(rejected))
        assert store.open_table(store.newest("rejects", f"c{hops}-compose")).column("record").to_pylist() == rejected


@pytest.mark.parametrize("how", [{"bundle_repeat": 2}, {"workers": 2}])
def test_content_does_not_depend_on_how_it_runs(composed: Made, tmp_path: Path, how: dict[str, int]):
    _, _, again = _run(tmp_path, **how)
    assert again.qa_examples.content == composed[2].qa_examples.content
    assert again.multihop_examples.content == composed[2].multihop_examples.content
