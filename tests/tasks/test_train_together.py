"""Two processes train together on a mesh over both: one checkpoint a stage, equal to one process's to rounding."""

import socket
from pathlib import Path

import jax
import numpy as np
import pytest

from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_history, load_params
from qamat_core.training.processes import join
from schemas.errors import ConfigError
from schemas.resources import Processes, Resources
from schemas.training import MeshShape
from tests.qamat_core.training.devices import start
from tests.tasks.test_train_qamat import Chain


def test_two_processes_train_as_one(tmp_path: Path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    home = tmp_path / "two"
    both = [start(2, "tests.tasks.together", str(home), str(port), str(index)) for index in range(2)]
    alone = Chain(Resources(home=str(tmp_path / "one")))
    expected = alone.store.open_directory(alone.global_)
    printed = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], "\n".join(printed)
    store = Store(home)
    assert [row.ref.version for row in store.registry.rows() if row.ref.name == "global"] == [0]
    made = store.open_directory(store.newest("checkpoint", "global"))
    jax.tree.map(
        lambda one, two: np.testing.assert_allclose(one, two, atol=2e-4), load_params(made), load_params(expected)
    )
    losses = [load_history(each)["loss"].to_pylist() for each in (made, expected)]
    np.testing.assert_allclose(*losses, rtol=1e-4)


def test_a_mesh_that_does_not_divide_the_heads_is_refused_before_the_work(tmp_path: Path):
    chain = Chain(Resources(home=str(tmp_path)))
    start = chain.init
    wrong = Chain(Resources(home=str(tmp_path), mesh=MeshShape(data=1, model=3)))
    with pytest.raises(ConfigError, match=r"mesh of 1 x 3 wants 3 devices, there are"):
        wrong.train_inbatch("wrong")
    assert chain.store.row(start).rows == 0


def test_a_device_that_was_used_before_is_said_so():
    jax.devices()
    with pytest.raises(
        ConfigError, match=r"^process 0 of 2 cannot join localhost:1 \(.*\); start the same command once"
    ):
        join(Processes(coordinator="localhost:1", count=2, index=0))
