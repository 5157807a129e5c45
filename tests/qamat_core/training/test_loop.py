"""The loop learns, resumes as if unbroken, and stops on a loss that is not finite."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core import progress
from qamat_core.training.loop import train
from qamat_core.training.step import token_loss
from schemas.errors import TrainingError
from schemas.training import OptimizerConfig, TrainingConfig

CONFIG = TrainingConfig(
    steps=12, batch_size=4, optimizer=OptimizerConfig(learning_rate=0.1), log_every=3, save_every=4, seed=1
)
START = {"w": np.zeros(3, np.float32)}


def batches(step: int) -> dict[str, Any]:
    rng = np.random.default_rng(step)
    x = rng.normal(size=(4, 3)).astype(np.float32)
    return {"x": x, "y": x @ np.array([1, -2, 0.5], np.float32)}


def loss_fn(params: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
    noise = 1e-3 * jax.random.normal(key, (4,))
    error = batch["x"] @ params["w"] - batch["y"] + noise
    return jnp.mean(error**2), {"worst": jnp.max(jnp.abs(error))}


def test_the_curve_falls_and_has_a_point_every_few_steps(tmp_path: Path):
    heard: list[tuple[str, int, int]] = []
    with progress.listening(lambda stage, done, total, _: heard.append((stage, done, total))):
        trained = train("line", CONFIG, START, loss_fn, batches, tmp_path)
    assert [point["step"] for point in trained.history] == [3, 6, 9, 12]
    assert trained.history[-1]["loss"] < trained.history[0]["loss"]
    assert set(trained.history[0]) == {"step", "loss", "worst"}
    assert heard == [("line", done, 12) for done in (3, 6, 9, 12)]


def test_a_killed_run_goes_on_and_ends_like_an_unbroken_one(tmp_path: Path):
    whole = train("line", CONFIG, START, loss_fn, batches, tmp_path / "whole")
    asked: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        train("line", CONFIG, START, loss_fn, _killed_at(10), tmp_path / "broken")
    resumed = train(
        "line", CONFIG, START, loss_fn, lambda step: asked.append(step) or batches(step), tmp_path / "broken"
    )
    assert asked == [8, 9, 10, 11]
    assert resumed.history == whole.history
    np.testing.assert_array_equal(resumed.params["w"], whole.params["w"])


def test_a_frozen_part_stays_through_a_killed_run(tmp_path: Path):
    config = CONFIG.model_copy(update={"frozen": ("decoder",)})
    start = {"encoder": START, "decoder": {"b": np.array([-0.0, 3.0], np.float32)}}

    def both(params: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        loss, metrics = loss_fn(params["encoder"], batch, key)
        return loss + jnp.sum(params["decoder"]["b"] ** 2), metrics

    whole = train("line", config, start, both, batches, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train("line", config, start, both, _killed_at(10), tmp_path / "broken")
    resumed = train("line", config, start, both, batches, tmp_path / "broken")
    assert np.asarray(whole.params["decoder"]["b"]).tobytes() == start["decoder"]["b"].tobytes()
    assert np.any(whole.params["encoder"]["w"] != START["w"])
    jax.tree.map(np.testing.assert_array_equal, resumed.params, whole.params)


def _killed_at(step: int) -> Callable[[int], dict[str, Any]]:
    def dying(number: int) -> dict[str, Any]:
        if number == step:
            raise KeyboardInterrupt
        return batches(number)

    return dying


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path):
    def broken(params: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        loss, metrics = loss_fn(params, batch, key)
        return loss * jnp.nan, metrics

    with pytest.raises(TrainingError, match=r"line: the loss is nan at step 1; no checkpoint was made yet. Run it"):
        train("line", CONFIG, START, broken, batches, tmp_path)


@pytest.mark.parametrize(("factor", "fault"), [(np.nan, "is nan at step 10"), (1e4, r"is .* at step 10, it was")])
def test_a_fault_names_its_step_and_the_last_good_checkpoint(tmp_path: Path, factor: float, fault: str):
    def broken(step: int) -> dict[str, Any]:
        return {name: array * np.float32(factor if step == 9 else 1) for name, array in batches(step).items()}

    for _ in range(2):  # it goes on at the good checkpoint
        with pytest.raises(
            TrainingError, match=f"line: the loss {fault}.*; the last good checkpoint is of step 8. Run"
        ):
            train("line", CONFIG, START, loss_fn, broken, tmp_path)
    mended = train("line", CONFIG, START, loss_fn, batches, tmp_path)
    whole = train("line", CONFIG, START, loss_fn, batches, tmp_path / "whole")
    np.testing.assert_array_equal(mended.params["w"], whole.params["w"])


def _loss_with_a_gradient_of_nan(params: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
    loss, metrics = loss_fn(params, batch, key)
    return loss + jnp.sqrt(jnp.where(batch["bad"], 0 * params["w"].sum(), 1.0)), metrics


@pytest.mark.parametrize(
    ("bad", "fault"), [(8, "the loss is nan at step 9"), (12, "a parameter is not finite after step 12")]
)
def test_parameters_that_are_not_finite_make_no_good_checkpoint(tmp_path: Path, bad: int, fault: str):
    with pytest.raises(TrainingError, match=f"line: {fault}; the last good checkpoint is of step {(bad - 1) // 4 * 4}"):
        train(
            "line",
            CONFIG,
            START,
            _loss_with_a_gradient_of_nan,
            lambda step: {**batches(step), "bad": np.bool_(step == bad - 1)},
            tmp_path,
        )


@settings(deadline=None)  # the first example compiles
@given(st.integers(0, 99), st.floats(0, 0.1))
def test_token_loss_agrees_with_numpy_and_ignores_padding(seed: int, z_loss: float):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(2, 4, 5)).astype(np.float32)
    targets = rng.integers(0, 5, (2, 4))
    log_z = np.log(np.exp(logits).sum(-1))
    places = list(zip(*np.nonzero(targets), strict=True))
    losses = [log_z[i, j] - logits[i, j, targets[i, j]] + z_loss * log_z[i, j] ** 2 for i, j in places]
    expected = np.mean(losses) if losses else 0.0
    assert float(token_loss(jnp.asarray(logits), jnp.asarray(targets), z_loss)) == pytest.approx(expected, abs=1e-5)


def test_a_training_in_parts_ends_like_a_whole_one(tmp_path: Path):
    whole = train("line", CONFIG, START, loss_fn, batches, tmp_path / "whole")
    asked: list[int] = []
    heard = lambda step: asked.append(step) or batches(step)  # noqa: E731
    parts = [train("line", CONFIG, START, loss_fn, heard, tmp_path / "parts", until=last) for last in (5, 10, 15)]
    assert asked == list(range(12))
    assert parts[-1].history == whole.history
    assert [part.history[-1]["step"] for part in parts] == [3, 9, 12]
    np.testing.assert_array_equal(parts[-1].params["w"], whole.params["w"])
