"""The generator job leaves a checkpoint that says what it is, and learns."""

from qamat_core.training.checkpoint import load_card, load_history
from schemas.generation import GeneratorConfig
from tests.tasks.conftest import GENERATOR, Generated


def test_the_card_rebuilds_the_generator(generated: Generated):
    card = load_card(generated.store.open_directory(generated.generator))
    assert card.role == "generator"
    assert card.tokenizer == generated.tokenizer
    assert card.model.vocab_size == 512
    settings = GeneratorConfig.model_validate(card.settings)
    assert settings.model == card.model
    assert settings.lengths == GENERATOR.lengths


def test_every_task_learns(generated: Generated):
    history = load_history(generated.store.open_directory(generated.generator)).to_pylist()
    for task in ("extraction", "generation", "comprehension"):
        assert history[-1][task] < 0.7 * history[0][task]


def test_the_registry_counts_the_annotations(generated: Generated):
    notes = generated.store.row(generated.generator).notes
    assert notes["annotations"] == generated.store.row(generated.world.annotations).rows
    assert notes["left_out"] == 0
