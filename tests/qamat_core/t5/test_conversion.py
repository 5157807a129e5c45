"""Errors of the conversion; that its values are right is shown by the parity tests."""

import numpy as np
import pytest

from qamat_core.t5.conversion import from_transformers
from schemas.errors import ConfigError, InputError
from schemas.model import T5Config
from tests.qamat_core.t5.record_reference import FOLDER


@pytest.fixture(scope="module")
def checkpoint():
    with np.load(FOLDER / "t5_1_1.npz") as file:
        config = T5Config.model_validate_json(str(file["config"]))
        return {name.removeprefix("weights/"): file[name] for name in file if name.startswith("weights/")}, config


def test_values_are_float32_and_aliases_may_be_absent(checkpoint):
    state, config = checkpoint
    lean = {name: value for name, value in state.items() if "embed_tokens" not in name}
    params = from_transformers(lean, config)
    assert params["token_embedder"]["embedding"].dtype == np.float32
    np.testing.assert_array_equal(
        params["decoder"]["layers_1"]["encoder_decoder_attention"]["out"]["kernel"],
        state["decoder.block.1.layer.1.EncDecAttention.o.weight"].T,
    )


def test_a_missing_weight_is_named(checkpoint):
    state, config = checkpoint
    with pytest.raises(InputError, match=r"'encoder\.final_layer_norm\.weight'"):
        from_transformers({k: v for k, v in state.items() if k != "encoder.final_layer_norm.weight"}, config)


def test_weights_left_over_are_named(checkpoint):
    state, config = checkpoint
    with pytest.raises(InputError, match=r"left over.*'encoder\.block\.1"):
        from_transformers(state, config.model_copy(update={"num_encoder_layers": 1}))


def test_another_width_is_refused(checkpoint):
    state, config = checkpoint
    with pytest.raises(InputError, match=r"\(24, 32\).*\(24, 33\)|\(32, 24\).*\(33, 24\)"):
        from_transformers(state, config.model_copy(update={"d_ff": 33}))


def test_a_pointer_head_cannot_be_loaded(checkpoint):
    state, config = checkpoint
    with pytest.raises(ConfigError, match="pointer_head"):
        from_transformers(state, config.model_copy(update={"pointer_head": True}))
