"""Parity with `transformers`' T5 in torch: with recorded outputs always, live where marked so."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qamat_core.t5 import decoding
from qamat_core.t5.beam import beam
from qamat_core.t5.conversion import from_transformers
from qamat_core.t5.network import T5, shift_right
from schemas.model import T5Config
from tests.qamat_core.t5.record_reference import BEAMS, FOLDER, NEW, VARIANTS, record

LIVE_SEED = 19


class Reference(NamedTuple):
    theirs: dict[str, np.ndarray]
    model: T5
    params: Any


def recorded(variant: str) -> dict[str, np.ndarray]:
    path: Path = FOLDER / f"t5_{variant.replace('.', '_')}.npz"
    with np.load(path) as file:
        return dict(file)


def live(variant: str) -> dict[str, np.ndarray]:
    pytest.importorskip("torch", reason="the live comparison needs the extra `parity`")
    pytest.importorskip("transformers", reason="the live comparison needs the extra `parity`")
    return record(variant, LIVE_SEED)


CASES = [
    *(pytest.param((recorded, variant), id=f"recorded-{variant}") for variant in VARIANTS),
    *(pytest.param((live, variant), id=f"live-{variant}", marks=pytest.mark.live) for variant in VARIANTS),
]


@pytest.fixture(scope="module", params=CASES)
def reference(request: pytest.FixtureRequest) -> Reference:
    load, variant = request.param
    theirs = load(variant)
    config = T5Config.model_validate_json(str(theirs["config"]))
    prefix = "weights/"
    state = {name.removeprefix(prefix): array for name, array in theirs.items() if name.startswith(prefix)}
    return Reference(theirs, T5(config), from_transformers(state, config))


compiled = jax.jit(decoding.call, static_argnums=(0, 2))


def call(reference: Reference, method: str, *args: jax.Array) -> jax.Array:
    return compiled(reference.model, reference.params, method, *args)


def encode(reference: Reference) -> tuple[jax.Array, jax.Array]:
    tokens = jnp.asarray(reference.theirs["source"])
    return call(reference, "encode", tokens), tokens


def test_encoder_and_logits_agree_with_padding(reference: Reference) -> None:
    theirs, (encoded, tokens) = reference.theirs, encode(reference)
    real = theirs["source"] != 0
    np.testing.assert_allclose(encoded[real], theirs["encoded"][real], rtol=1e-4, atol=1e-5)
    target = jnp.asarray(theirs["target"])
    logits = call(reference, "decode", encoded, tokens, target)
    np.testing.assert_allclose(logits, theirs["logits"], rtol=1e-4, atol=1e-5)


def test_greedy_ids_are_equal(reference: Reference) -> None:
    decoded = decoding.greedy(reference.model, reference.params, *encode(reference), NEW)
    np.testing.assert_array_equal(decoded.tokens, reference.theirs["greedy"])


def test_beam_search_finds_sequences_at_least_as_probable(reference: Reference) -> None:
    found = beam(reference.model, reference.params, *encode(reference), NEW, beam_size=BEAMS, length_penalty=0.0)
    assert (np.asarray(found.sum_logprob) >= reference.theirs["beam_logprobs"] - 1e-4).all()


def test_beam_search_scores_its_sequences_as_the_reference_does(reference: Reference) -> None:
    theirs, (encoded, tokens) = reference.theirs, encode(reference)
    best = jnp.asarray(theirs["beam_tokens"][:, 0])
    logits = call(reference, "decode", encoded, tokens, shift_right(best))
    logprobs = np.take_along_axis(np.asarray(jax.nn.log_softmax(logits)), np.asarray(best)[..., None], -1)[..., 0]
    before_end = np.cumsum(np.asarray(best) == 1, axis=-1) - (np.asarray(best) == 1) == 0
    np.testing.assert_allclose((logprobs * before_end).sum(-1), theirs["beam_logprobs"][:, 0], rtol=1e-4)
