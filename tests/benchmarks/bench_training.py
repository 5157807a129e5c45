"""A training step of our T5 against that of `transformers`: the same weights, batches and plain gradient descent.

T5-small's shape, 16 rows of 256 pieces in and 64 out, float32, one core with one thread, no dropout: forward and
backward pass and the update. Both train for 20 steps from equal weights first, and their losses are compared.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from qamat_core.t5.conversion import from_transformers
from qamat_core.t5.network import T5, shift_right
from qamat_core.training.mesh import make_mesh, place_batch
from qamat_core.training.step import compile_step, init_state, token_loss
from schemas.model import PAD_ID, T5Config
from schemas.training import MeshShape
from tests.benchmarks.measure import Row, compare, interleave, one_core, require

RATE = 0.01
STEPS = 20

Step = Callable[[dict[str, np.ndarray]], float]
"""Learns from a batch and returns its loss from before."""


class Work(NamedTuple):
    """The size of the task; T5-small's by default."""

    rows: int = 16
    source: int = 256
    target: int = 64
    layers: int = 6
    rounds: int = 5


def run(*, quick: bool) -> list[Row]:
    """Measure a step against the peer's."""
    versions = require("jax", "torch", "transformers")
    work = Work(rows=2, source=16, target=8, layers=1, rounds=1) if quick else Work()
    with one_core():
        model = random_model(work.layers)
        ours, theirs = our_step(model, work.layers), their_step(model)
        batches = [batch(work, number) for number in range(STEPS)]
        apart = max(abs(ours(each) - theirs(each)) for each in batches)
        steps = {"ours": lambda: ours(batches[0]), "theirs": lambda: theirs(batches[0])}
        costs = interleave(steps, work.rounds)
    seconds = costs["ours"].cpu, costs["theirs"].cpu
    note = f"one core, float32; over {STEPS} steps the losses are at most {apart:.1g} apart"
    return [compare("training step", "rows/s", "transformers", work.rows, seconds, versions, note)]


def random_model(layers: int) -> Any:
    """Return a T5 of `transformers` with T5-small's widths and random weights, without dropout."""
    import torch  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    torch.set_num_threads(1)
    torch.manual_seed(0)
    config: Any = transformers.T5Config(num_layers=layers, num_decoder_layers=layers, dropout_rate=0.0)
    config.decoder_start_token_id = PAD_ID
    return transformers.T5ForConditionalGeneration(config).train()


def batch(work: Work, number: int) -> dict[str, np.ndarray]:
    """Return random ids; the ends of some rows are padding."""
    rng = np.random.default_rng(number)
    inputs = rng.integers(3, 32_000, (work.rows, work.source)).astype(np.int32)
    targets = rng.integers(3, 32_000, (work.rows, work.target)).astype(np.int32)
    inputs[::3, -work.source // 4 :] = PAD_ID
    targets[::2, -work.target // 4 :] = PAD_ID
    return {"inputs": inputs, "targets": targets}


def our_step(model: Any, layers: int) -> Step:
    """Return our step, from the weights of a model of `transformers`."""
    config = T5Config(
        variant="1.0",
        num_heads=8,
        d_ff=2048,
        num_encoder_layers=layers,
        num_decoder_layers=layers,
        tie_embeddings=True,
    )
    weights = {name: tensor.detach().numpy().copy() for name, tensor in model.state_dict().items()}
    network, mesh, key = T5(config), make_mesh(MeshShape(data=1)), jax.random.key(0)

    def loss(params: Any, given: Any, _: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        logits: Any = network.apply({"params": params}, given["inputs"], shift_right(given["targets"]))
        return token_loss(logits, given["targets"]), {}

    optimizer = optax.sgd(RATE)
    step = compile_step(optimizer, loss)
    held = {"state": init_state(optimizer, from_transformers(weights, config), mesh)}

    def learn(given: dict[str, np.ndarray]) -> float:
        held["state"], metrics = step(held["state"], place_batch(given, mesh), key)
        jax.block_until_ready(held["state"])
        return float(metrics["loss"])

    return learn


def their_step(model: Any) -> Step:
    """Return the peer's step; it changes the model."""
    import torch  # noqa: PLC0415

    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)

    def learn(given: dict[str, np.ndarray]) -> float:
        inputs, targets = (torch.tensor(given[name], dtype=torch.long) for name in ("inputs", "targets"))
        mask, labels = inputs != PAD_ID, targets.masked_fill(targets == PAD_ID, -100)
        optimizer.zero_grad()
        loss = model(input_ids=inputs, attention_mask=mask, labels=labels).loss
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return learn
