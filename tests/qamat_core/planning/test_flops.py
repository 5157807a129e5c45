"""Operations are counted as by hand: loops by their turns, layers that are computed again twice, devices together."""

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from qamat_core.planning.flops import count_flops
from qamat_core.t5.network import T5
from schemas.model import T5Config

A, B = jnp.ones((3, 5)), jnp.ones((5, 7))


def test_a_product_is_two_operations_for_each_pair():
    assert count_flops(lambda a, b: a @ b, A, B) == 2 * 3 * 5 * 7


def test_a_loop_counts_for_all_its_turns():
    def scanned(a: jax.Array) -> jax.Array:
        return lax.scan(lambda carry, _: (carry @ jnp.ones((5, 5)), None), a, None, length=4)[0]

    def until(a: jax.Array) -> jax.Array:
        return lax.while_loop(lambda state: state.sum() < 0, lambda state: state @ jnp.ones((5, 5)), a)

    assert count_flops(scanned, A) == 4 * 2 * 3 * 5 * 5
    assert count_flops(until, A, turns=9) == 9 * 2 * 3 * 5 * 5


def test_of_a_choice_the_dearest_branch_counts():
    def either(a: jax.Array) -> jax.Array:
        return lax.cond(a[0, 0] > 0, lambda: a @ jnp.ones((5, 5)), lambda: (a @ jnp.ones((5, 2))) @ jnp.ones((2, 5)))

    assert count_flops(either, A) == 2 * 3 * 5 * 5


@pytest.mark.parametrize("remat", [False, True])
def test_a_training_step_of_t5_is_three_or_four_times_its_forward_pass(remat: bool):
    config = T5Config(
        vocab_size=64,
        d_model=16,
        num_heads=2,
        head_dim=8,
        d_ff=32,
        num_encoder_layers=2,
        num_decoder_layers=1,
        remat=remat,
    )
    model, tokens = T5(config), jnp.ones((4, 10), jnp.int32)
    params = jax.eval_shape(model.init, jax.random.key(0), tokens, tokens)["params"]

    def encode(params: object) -> jax.Array:
        return model.apply({"params": params}, tokens, method="encode").sum()  # pyright: ignore

    layer = 4 * 10 * (4 * 2 * 16 * 16 + 3 * 2 * 16 * 32 + 2 * 2 * 10 * 16)
    biases = 2 * 2 * 32 * (10 + 10)  # distances look up their bias by a product with ones and zeros
    assert count_flops(encode, params) == 2 * layer + biases
    assert count_flops(jax.grad(encode), params) == pytest.approx((4 if remat else 3) * 2 * layer, rel=0.05)
