"""The parameter tree of T5X, and what must not depend on padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qamat_core.t5.conversion import parameter_shapes
from qamat_core.t5.network import T5, shift_right
from schemas.model import T5Config

SMALL = {"vocab_size": 11, "d_model": 8, "num_heads": 2, "head_dim": 3, "d_ff": 5, "relative_buckets": 4}
ATTENTION = {"query/kernel": (8, 6), "key/kernel": (8, 6), "value/kernel": (8, 6), "out/kernel": (6, 8)}


def t5x_names(*, gated: bool, tied: bool) -> dict[str, tuple[int, ...]]:
    """The names of a T5X checkpoint with one layer a stack, as its own state files list them."""
    into = {"wi_0/kernel": (8, 5), "wi_1/kernel": (8, 5)} if gated else {"wi/kernel": (8, 5)}
    mlp = into | {"wo/kernel": (5, 8)}
    names = {
        "token_embedder/embedding": (11, 8),
        "encoder/relpos_bias/rel_embedding": (2, 4),
        "encoder/encoder_norm/scale": (8,),
        "encoder/layers_0/pre_attention_layer_norm/scale": (8,),
        "encoder/layers_0/pre_mlp_layer_norm/scale": (8,),
        "decoder/relpos_bias/rel_embedding": (2, 4),
        "decoder/decoder_norm/scale": (8,),
        "decoder/layers_0/pre_self_attention_layer_norm/scale": (8,),
        "decoder/layers_0/pre_cross_attention_layer_norm/scale": (8,),
        "decoder/layers_0/pre_mlp_layer_norm/scale": (8,),
    }
    blocks = {
        "encoder/layers_0/attention": ATTENTION,
        "encoder/layers_0/mlp": mlp,
        "decoder/layers_0/self_attention": ATTENTION,
        "decoder/layers_0/encoder_decoder_attention": ATTENTION,
        "decoder/layers_0/mlp": mlp,
    }
    for block, kernels in blocks.items():
        names |= {f"{block}/{name}": shape for name, shape in kernels.items()}
    return names if tied else names | {"decoder/logits_dense/kernel": (8, 11)}


@pytest.mark.parametrize(("variant", "tied"), [("1.0", True), ("1.1", False)])
def test_parameters_have_t5x_names_and_shapes(variant, tied):
    config = T5Config(**SMALL, num_encoder_layers=1, num_decoder_layers=1, variant=variant, tie_embeddings=tied)
    ours = {"/".join(path): shape for path, shape in parameter_shapes(config).items()}
    assert ours == t5x_names(gated=variant == "1.1", tied=tied)


def test_the_pointer_head_adds_two_kernels_only():
    plain, pointing = (
        parameter_shapes(T5Config(**SMALL, num_encoder_layers=1, num_decoder_layers=1, pointer_head=on))
        for on in (False, True)
    )
    added = {"/".join(path): shape for path, shape in pointing.items() if path not in plain}
    assert added == {"decoder/pointer/current/kernel": (8, 8), "decoder/pointer/previous/kernel": (8, 8)}
    assert plain.items() <= pointing.items()


def test_initial_scales_are_t5s():
    config = T5Config(vocab_size=400, d_model=256, num_heads=8, head_dim=16, num_encoder_layers=1, num_decoder_layers=1)
    tokens = jnp.zeros((1, 1), jnp.int32)
    params = jax.jit(T5(config).init)(jax.random.key(0), tokens, tokens)["params"]
    attention = params["encoder"]["layers_0"]["attention"]
    assert np.std(params["token_embedder"]["embedding"]) == pytest.approx(1.0, rel=0.05)
    assert np.std(attention["query"]["kernel"]) == pytest.approx((256 * 16) ** -0.5, rel=0.05)
    assert np.std(attention["key"]["kernel"]) == pytest.approx(256**-0.5, rel=0.05)
    assert np.std(attention["out"]["kernel"]) == pytest.approx(128**-0.5, rel=0.05)
    assert np.std(params["encoder"]["layers_0"]["mlp"]["wo"]["kernel"]) == pytest.approx(1024**-0.5, rel=0.05)


def test_shift_right_starts_with_padding_and_drops_the_last():
    np.testing.assert_array_equal(shift_right(jnp.asarray([[5, 6, 1], [7, 1, 0]])), [[0, 5, 6], [0, 7, 1]])


def test_logits_do_not_depend_on_padding(tiny, run, source):
    model, params = tiny(pointer_head=True)
    targets = source[:, :4]
    short = run(model, params, "__call__", source[2:3, :1], targets[2:3])
    padded = run(model, params, "__call__", source, targets)[2:3]
    np.testing.assert_allclose(short, padded, atol=1e-4)


def test_later_targets_do_not_change_earlier_logits(tiny, run, source):
    model, params = tiny()
    targets = source[:, :4]
    first, second = (run(model, params, "__call__", source, each) for each in (targets, targets.at[:, 2:].set(2)))
    np.testing.assert_allclose(first[:, :2], second[:, :2], atol=1e-5)
    assert not np.allclose(first[:, 2:], second[:, 2:])


def test_a_call_is_encode_then_decode_of_whatever_is_given(tiny, run, source):
    model, params = tiny(pointer_head=True)
    encoded, targets = run(model, params, "encode", source), source[:, :4]
    whole = run(model, params, "__call__", source, targets)
    np.testing.assert_allclose(run(model, params, "decode", encoded, source, targets), whole, atol=1e-4)
    assert not np.allclose(run(model, params, "decode", encoded.at[:, 0].add(1.0), source, targets), whole)


def test_bfloat16_keeps_float32_logits_near_the_exact_ones(tiny, run, source):
    model, params = tiny(dtype="bfloat16")
    logits = run(model, params, "__call__", source, source[:, :4])
    encoded = jax.eval_shape(lambda p: model.apply({"params": p}, source, method="encode"), params)
    assert (encoded.dtype, logits.dtype) == (jnp.bfloat16, jnp.float32)
    exact = run(*tiny(), "__call__", source, source[:, :4])
    assert 0 < np.abs(logits - exact).max() < 0.1 * np.abs(exact).max()


def test_dropout_works_in_training_only(tiny, run, source):
    model, params = tiny(dropout=0.5)

    @jax.jit
    def train(key):
        rngs = {"dropout": key}
        return model.apply({"params": params}, source, source[:, :4], deterministic=False, rngs=rngs)

    first, again, other = train(jax.random.key(0)), train(jax.random.key(0)), train(jax.random.key(1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    arguments = ("__call__", source, source[:, :4])
    np.testing.assert_array_equal(run(model, params, *arguments), run(*tiny(), *arguments))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_computing_layers_again_changes_no_gradient(tiny, source, dtype):
    def gradient(model: T5, params: object) -> object:
        def loss(params: object) -> jax.Array:
            logits = model.apply({"params": params}, source, shift_right(source[:, :5]))
            return (jax.nn.log_softmax(logits) ** 2).mean()

        return jax.jit(jax.grad(loss))(params)

    model, params = tiny(dtype=dtype)
    again, _ = tiny(dtype=dtype, remat=True)
    assert "remat" in str(jax.make_jaxpr(lambda params: gradient(again, params))(params))
    for one, other in zip(
        jax.tree.leaves(gradient(model, params)), jax.tree.leaves(gradient(again, params)), strict=True
    ):
        assert one.dtype == jnp.float32  # parameters and their gradients stay so
        np.testing.assert_allclose(one, other, rtol=1e-5 if dtype == "float32" else 0.05, atol=1e-6)
