"""What comparisons between the rows of a table rest on: the same steps for what is compared."""

import pytest

from schemas.errors import ConfigError
from schemas.model import T5Config
from schemas.presets import PRESETS, preset
from schemas.world import WorldConfig


@pytest.mark.parametrize("name", PRESETS)
def test_the_closed_book_baseline_has_as_many_steps_as_qamat(name: str):
    training = preset(name).training
    stages = (training.inbatch, training.global_, training.finetune)
    closed = training.closed_book
    assert closed.passages.steps + closed.questions.steps == sum(stage.training.steps for stage in stages)


@pytest.mark.parametrize("name", PRESETS)
def test_one_round_learns_as_long_and_reads_as_many_entries_as_two(name: str):
    numbers = preset(name)
    one, two = numbers.training.two_hop_one_round, numbers.training.multihop
    assert (one.training, one.top_k) == (two.training, 2 * two.top_k)
    asked = numbers.evaluation
    assert (asked.two_hop_one_round.ks, asked.two_hop.ks) == ((one.top_k,), (two.top_k,))


@pytest.mark.parametrize("name", PRESETS)
def test_both_readers_read_what_is_retrieved(name: str):
    readers = preset(name).training.passages
    assert readers.fid.reading == readers.extractive.reading
    assert readers.fid.reading.passages == readers.retrieve.passages


@pytest.mark.parametrize("name", PRESETS)
def test_sizes_differ_in_shape_alone(name: str):
    numbers = preset(name)
    own = numbers.sizes[numbers.size]
    assert own == numbers.training
    for size, stages in numbers.sizes.items():
        shape = stages.init.model
        same = stages.everywhere("t5", own.init.model.t5.model_dump())
        assert same.everywhere("temperature", own.init.model.temperature) == own
        assert str(shape.t5.d_model) in numbers.shape(size)
    assert preset("base").sizes.keys() == preset("mini").sizes.keys() == {"base", "large"}
    assert preset("large").sizes.keys() == {"large"}


@pytest.mark.parametrize("name", PRESETS)
def test_what_the_claims_compare_is_measured(name: str):
    numbers = preset(name)
    assert {0.05, 1.0} <= set(numbers.study.example_shares)
    assert {0.0, 0.08, 0.25, 1.0} <= set(numbers.evaluation.memory_shares)
    if name != "toy":
        asked = (numbers.evaluation.single_hop, *numbers.evaluation.deeper)
        assert {1, 10, 20, 30} <= {k for reading in asked for k in reading.ks}
        assert len({reading.questions for reading in asked[1:]}) <= 1, "claims compare the same questions"


@pytest.mark.parametrize("name", PRESETS)
def test_what_table_3_compares_has_as_many_steps(name: str):
    numbers = preset(name)
    first, second = numbers.training, numbers.second.training
    chain = (second.inbatch, second.global_, second.finetune, second.multihop)
    for stages, steps in (
        (first, first.multihop.training.steps),
        (second, sum(stage.training.steps for stage in chain)),
    ):
        closed = stages.two_hop_closed_book
        assert closed.passages.steps + closed.questions.steps == steps
        one = stages.two_hop_one_round
        assert (one.training, one.top_k) == (stages.multihop.training, 2 * stages.multihop.top_k)


@pytest.mark.parametrize("name", PRESETS)
def test_the_second_set_is_another_world_read_by_the_same_model(name: str):
    numbers = preset(name)
    first, second = numbers.world.world, numbers.second.world.world
    assert (first.two_hop_dataset, second.two_hop_dataset) == ("world-two-hop", "world-b-two-hop")
    assert first.seed != second.seed
    assert name == "toy" or second.entities < first.entities
    assert second == WorldConfig.model_validate(second.model_dump())
    assert numbers.second.training.init == numbers.training.init
    assert numbers.second.training.inbatch.model == numbers.training.inbatch.model


def test_a_seed_reaches_every_stage():
    seeded, plain = preset("toy").training.seeded(7), preset("toy").training
    stages = ("inbatch", "global_", "finetune", "two_hop_one_round", "multihop", "repaq", "reranker")
    assert {getattr(seeded, stage).training.seed for stage in stages} == {7}
    assert (seeded.init.seed, seeded.closed_book.passages.seed, seeded.closed_book.questions.seed) == (7, 7, 7)
    readers = seeded.passages
    assert {one.training.seed for one in (readers.dpr, readers.fid, readers.extractive)} == {7}
    assert seeded.seeded(0) == plain


def test_another_t5_reaches_every_stage_and_changes_nothing_else():
    t5 = T5Config(d_model=16, dtype="bfloat16", remat=True)
    over, plain = preset("toy").training.over(t5), preset("toy").training
    stages = (
        "init",
        "inbatch",
        "global_",
        "finetune",
        "two_hop_one_round",
        "multihop",
        "closed_book",
        "repaq",
        "reranker",
        "two_hop_closed_book",
    )
    # The type of activations is no part of its shape.
    readers = over.passages
    stages_of_passages = (readers.dpr, readers.fid, readers.extractive)
    shape = t5.model_copy(update={"dtype": "float32", "remat": False})
    assert {getattr(over, stage).model.t5 for stage in stages} == {shape}
    assert {stage.model.t5 for stage in stages_of_passages} == {shape}
    assert over.over(plain.init.model.t5) == plain
    whole = preset("toy").over(t5)
    assert (whole.training, whole.corpus.generator.model) == (over, shape)
    assert whole.second.training.inbatch.model.t5 == shape
    assert whole.aids == preset("toy").aids[2:], "those inside of the T5 are gone"
    assert preset("large").over(t5.model_copy(update={"remat": False})).training.inbatch.model.t5.remat


def test_an_unknown_preset_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match="no preset 'huge'; there are toy, smoke, mini"):
        preset("huge")
