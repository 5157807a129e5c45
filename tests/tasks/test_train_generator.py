"""The generator job leaves a checkpoint that says what it is, and learns."""

from pathlib import Path

import jax
import numpy as np
import pytest

from qamat_core.training.checkpoint import load_card, load_history, load_params
from schemas.errors import ConfigError
from schemas.generation import GeneratorConfig, TaskRows
from schemas.training import MeshShape, OptimizerConfig, TrainingConfig
from tasks import import_start, train_generator
from tasks.external_t5 import T5Source
from tests.qamat_core.t5.checkpoints.foreign import SHAPE, save_huggingface, state, tokenizer
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


def test_it_starts_from_a_public_t5_with_its_tokenizer(generated: Generated, tmp_path: Path):
    t5 = SHAPE.model_copy(update={"vocab_size": 145})  # as many rows as ids, no multiple of 128
    directory = save_huggingface(tmp_path / "t5", t5, state(t5))
    tokenizer().save(directory)
    begin = import_start.run(T5Source(str(directory)), name="t5", resources=generated.resources)
    still = TrainingConfig(steps=1, batch_size=24, optimizer=OptimizerConfig(learning_rate=1e-9))
    config = GENERATOR.model_copy(update={"model": t5, "training": still})
    annotated = generated.world.annotated_passages, generated.world.annotations
    inputs = train_generator.GeneratorInputs(*annotated, begin.tokenizer, begin.checkpoint)
    made = train_generator.run(config, inputs, name="begun", resources=generated.resources)
    directory = generated.store.open_directory(made)
    assert (load_card(directory).model, load_card(directory).tokenizer) == (t5, begin.tokenizer)
    expected = load_params(generated.store.open_directory(begin.checkpoint))
    jax.tree.map(lambda one, two: np.testing.assert_allclose(one, two, atol=1e-7), load_params(directory), expected)


def test_the_mesh_divides_the_rows_of_every_task():
    rows = TaskRows(extraction=8, generation=12, comprehension=20)
    assert train_generator.mesh_for(rows, MeshShape()) == MeshShape(data=1)
    with pytest.raises(ConfigError, match="a mesh of 64 x 1 wants 64 devices"):
        train_generator.mesh_for(rows, MeshShape(data=64))
