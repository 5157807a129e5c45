"""Checkpoints that transformers itself saves now: read without it, they compute what it computes."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from qamat_core.t5.checkpoints.external import read_weights
from qamat_core.t5.checkpoints.weights import Weights
from qamat_core.t5.network import T5
from tests.qamat_core.t5.checkpoints.foreign import save_t5x
from tests.qamat_core.t5.record_reference import SHAPE, VARIANTS, build

pytestmark = pytest.mark.live


@pytest.fixture(scope="module", params=VARIANTS)
def model(request: pytest.FixtureRequest) -> Any:
    pytest.importorskip("torch", reason="the live comparison needs the extra `parity`")
    pytest.importorskip("transformers", reason="the live comparison needs the extra `parity`")
    return build(request.param, seed=23)


def logits(read: Weights, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.asarray(T5(read.model).apply({"params": read.params}, jnp.asarray(source), jnp.asarray(target)))


def test_logits_agree_by_both_routes(model: Any, tmp_path: Path):
    import torch  # noqa: PLC0415

    draw = np.random.default_rng(2)
    source, target = (draw.integers(2, SHAPE["vocab_size"], (3, length)) for length in (17, 6))
    with torch.no_grad():
        theirs = model(input_ids=torch.tensor(source), decoder_input_ids=torch.tensor(target)).logits.numpy()
    model.save_pretrained(tmp_path / "one")
    model.save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    one = read_weights(tmp_path / "one")
    t5x = save_t5x(tmp_path / "checkpoint_1", one.params)
    for read in (one, read_weights(tmp_path / "shards"), read_weights(t5x)):
        np.testing.assert_allclose(logits(read, source, target), theirs, rtol=1e-4, atol=1e-5)


def test_bfloat16_is_read_as_transformers_reads_it(model: Any, tmp_path: Path):
    import torch  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    half = transformers.T5ForConditionalGeneration(model.config).to(torch.bfloat16)
    half.save_pretrained(tmp_path)
    theirs = half.state_dict()["encoder.block.1.layer.1.DenseReluDense.wo.weight"].float().numpy()
    read = read_weights(tmp_path)
    np.testing.assert_array_equal(read.params["encoder"]["layers_1"]["mlp"]["wo"]["kernel"], theirs.T)
