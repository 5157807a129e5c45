"""The stand-in for PAQ: right pairs of some passages, imported as a file of others would be."""

from pathlib import Path

import pytest

from qamat_core.store.store import Store
from schemas.corpus import BuildWorldConfig, ComplementConfig, ImportDrawnConfig
from schemas.resources import Resources
from schemas.world import WorldConfig
from tasks import build_world, complement_passages, import_drawn

WORLD = BuildWorldConfig(
    world=WorldConfig(persons=20, cities=8, countries=4, companies=4, books=4, annotation_worlds=0), shard_rows=16
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    resources = Resources(home=str(tmp_path_factory.mktemp("home")))
    world = build_world.run(WORLD, name="w", resources=resources)
    inputs = import_drawn.DrawnInputs(world.passages, world.gold_pairs)
    drawn = import_drawn.run(ImportDrawnConfig(), inputs, name="d", resources=resources)
    return Store(Path(resources.home)), resources, world, drawn


def test_the_pairs_are_right_and_of_a_share_of_the_passages(made):
    store, _, world, drawn = made
    pairs = store.open_table(drawn.qa_pairs).to_pylist()
    gold = {
        (row["question"], row["answer"], row["passage_id"]) for row in store.open_table(world.gold_pairs).to_pylist()
    }
    assert {(row["question"], row["answer"], row["passage_id"]) for row in pairs} <= gold
    assert {row["origin"] for row in pairs} == {"drawn"}
    assert len({row["passage_id"] for row in pairs}) == round(0.45 * store.row(world.passages).rows)


def test_the_rest_of_the_passages_is_what_they_leave_uncovered(made):
    store, resources, world, drawn = made
    inputs = complement_passages.ComplementInputs(world.passages, (drawn.pair_spans,))
    left = complement_passages.run(ComplementConfig(), inputs, name="c", resources=resources)
    covered = set(store.open_table(drawn.qa_pairs).column("passage_id").to_pylist())
    uncovered = set(store.open_table(left).column("passage_id").to_pylist())
    assert not covered & uncovered
    assert len(covered) + len(uncovered) == store.row(world.passages).rows


def test_a_larger_share_holds_all_pairs_of_a_smaller_one(made):
    store, _, world, _ = made
    passages, pairs = store.open_table(world.passages), store.open_table(world.gold_pairs)
    few, more = (
        set(import_drawn.drawn_lines(ImportDrawnConfig(passages_share=share), passages, pairs)) for share in (0.2, 0.6)
    )
    assert few < more
