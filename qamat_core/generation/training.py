"""Training the generator: one model, three tasks in every step."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from qamat_core.generation.examples import TASKS, Annotated, TaskBatches
from qamat_core.t5.network import T5, shift_right
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import Params
from qamat_core.training.loop import Trained, train
from qamat_core.training.mesh import current_mesh
from qamat_core.training.partitioning import check_divisible
from qamat_core.training.step import Batch, LossFn, Metrics, token_loss
from schemas.generation import TrainGeneratorConfig
from schemas.model import PAD_ID, T5Config

STAGE = "generator"
_VOCAB_MULTIPLE = 128


def fit_vocabulary(model: T5Config, tokenizer: Tokenizer) -> T5Config:
    """Return the configuration with the tokenizer's vocabulary, rounded up to a multiple of 128 as T5's is."""
    size = -(-tokenizer.vocab_size // _VOCAB_MULTIPLE) * _VOCAB_MULTIPLE
    return model.model_copy(update={"vocab_size": size})


def init_params(model: T5, seed: int) -> Params:
    """Return fresh parameters."""
    tokens = jnp.ones((1, 2), jnp.int32)
    return jax.jit(model.init)(jax.random.key(seed), tokens, tokens)["params"]


def train_generator(
    data: Annotated, tokenizer: Tokenizer, config: TrainGeneratorConfig, work: Path, start: Params | None = None
) -> Trained:
    """Train a generator on the mesh.

    Args:
        data: the annotated passages.
        tokenizer: ``config.model.vocab_size`` must fit it (``fit_vocabulary``).
        config: model, tasks, steps.
        work: keeps resumable checkpoints.
        start: parameters of ``config.model`` to start from; None for random ones.

    Raises:
        ConfigError: the mesh divides the parameters unevenly.
    """
    model = T5(config.model)
    loss_fn = generator_loss(model, config)
    params = init_params(model, config.training.seed) if start is None else start
    check_divisible(params, config.model.num_heads, current_mesh())
    return train(STAGE, config.training, params, loss_fn, TaskBatches(data, tokenizer, config), work)


def generator_loss(model: T5, config: TrainGeneratorConfig) -> LossFn:
    """Return the loss: the mean over all target tokens of the batch, whatever their task; metrics by task."""
    steady = config.model.dropout == 0

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        total, tokens = jnp.float32(0), jnp.int32(0)
        losses: dict[str, Array] = {}
        for task, dropout_key in zip(TASKS, jax.random.split(key, len(TASKS)), strict=True):
            inputs, targets = batch[f"{task}_inputs"], batch[f"{task}_targets"]
            rngs = {"dropout": dropout_key}
            logits: Any = model.apply({"params": params}, inputs, shift_right(targets), steady, rngs=rngs)
            losses[task] = token_loss(logits, targets, config.training.z_loss)
            count = jnp.sum(targets != PAD_ID)
            total, tokens = total + losses[task] * count, tokens + count
        return total / tokens, losses

    return loss_fn
