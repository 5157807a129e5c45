"""The tables of the world agree with one another and come out the same twice."""

from pathlib import Path

import pytest

from qamat_core.store.store import Store
from schemas.corpus import BuildWorldConfig
from schemas.resources import Resources
from schemas.world import WorldConfig
from tasks import build_world

CONFIG = BuildWorldConfig(
    world=WorldConfig(persons=40, cities=16, countries=4, companies=12, books=14, annotation_worlds=1), shard_rows=30
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, build_world.WorldRefs]:
    home = tmp_path_factory.mktemp("home")
    return Store(home), build_world.run(CONFIG, name="tiny", resources=Resources(home=str(home)))


def test_gold_pairs_stand_in_their_passages(world: tuple[Store, build_world.WorldRefs]):
    store, refs = world
    texts = {row["passage_id"]: row["text"] for row in store.open_table(refs.passages).to_pylist()}
    gold = store.open_table(refs.gold_pairs).to_pylist()
    assert gold
    for pair in gold:
        assert texts[pair["passage_id"]][pair["start"] :].startswith(pair["answer"])


def test_annotations_stand_in_the_annotated_passages(world: tuple[Store, build_world.WorldRefs]):
    store, refs = world
    texts = {row["passage_id"]: row["text"] for row in store.open_table(refs.annotated_passages).to_pylist()}
    for row in store.open_table(refs.annotations).to_pylist():
        assert texts[row["passage_id"]][row["start"] :].startswith(row["answers"][0])


def test_gold_chains_lead_through_the_gold_memory(world: tuple[Store, build_world.WorldRefs]):
    store, refs = world
    memory = {row["qa_id"]: row for row in store.open_table(refs.gold_pairs).to_pylist()}
    for split in ("train", "dev", "test"):
        examples = {row["example_id"]: row for row in store.open_table(refs.two_hop[split]).to_pylist()}
        chains = store.open_table(refs.two_hop_gold[split]).to_pylist()
        assert [chain["example_id"] for chain in chains] == list(examples)
        for chain in chains:
            first, final = memory[chain["first_qa_id"]], memory[chain["final_qa_id"]]
            assert final["answer"] in examples[chain["example_id"]]["answers"]
            assert first["answer"] in final["question"]


def test_shards_have_the_configured_size(world: tuple[Store, build_world.WorldRefs]):
    store, refs = world
    sizes = [file.rows for file in store.row(refs.passages).files]
    assert sizes == [30, 30, 26]


def test_ids_are_unique(world: tuple[Store, build_world.WorldRefs]):
    store, refs = world
    columns = ((refs.passages, "passage_id"), (refs.gold_pairs, "qa_id"), (refs.questions["train"], "example_id"))
    for ref, column in columns:
        ids = store.open_table(ref).column(column)
        assert len(ids.unique()) == len(ids)


def test_made_again_elsewhere_the_content_is_the_same(world: tuple[Store, build_world.WorldRefs], tmp_path: Path):
    _, refs = world
    again = build_world.run(CONFIG, name="tiny", resources=Resources(home=str(tmp_path)))
    assert again.passages.content == refs.passages.content
    assert again.gold_pairs.content == refs.gold_pairs.content
    assert again.two_hop_gold["test"].content == refs.two_hop_gold["test"].content
