"""Decoding by slots against decoding at once; a row's bits do not depend on its mates, its slot or its turn."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.t5.decoding import Decoded, greedy
from qamat_core.t5.refill import greedy_by_slots

LENGTH, SOURCE, ROWS = 8, 6, 11
POOL = np.random.default_rng(0).integers(2, 23, (40, SOURCE)).astype(np.int32)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "pointer"])
def setting(request, tiny):
    """A model and its parameters with a likely end token, so that rows end at different lengths."""
    model, params = tiny(pointer_head=request.param, tie_embeddings=False, num_decoder_layers=2)
    kernel = params["decoder"]["logits_dense"]["kernel"].at[:, 1].multiply(3.0)
    return model, params | {"decoder": params["decoder"] | {"logits_dense": {"kernel": kernel}}}


@pytest.fixture(scope="module")
def decode(setting):
    """Decode rows of the pool by five slots, filled in pairs."""
    model, params = setting
    by_slots = jax.jit(lambda tokens, count: greedy_by_slots(model, params, tokens, count, LENGTH, slots=5, group=2))
    return lambda rows, count=ROWS: Decoded(*(np.asarray(one) for one in by_slots(POOL[np.asarray(rows)], count)))


def test_it_decodes_as_greedy_does(setting, decode, run):
    model, params = setting
    tokens = POOL[:ROWS]
    whole, by_slots = greedy(model, params, run(model, params, "encode", tokens), tokens, LENGTH), decode(range(ROWS))
    assert len(set(by_slots.lengths.tolist())) > 1
    np.testing.assert_array_equal(by_slots.tokens, whole.tokens)
    np.testing.assert_array_equal(by_slots.lengths, whole.lengths)
    np.testing.assert_allclose(by_slots.sum_logprob, whole.sum_logprob, atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.integers(0, len(POOL) - 1), min_size=ROWS, max_size=ROWS))
def test_a_row_has_the_same_bits_in_any_slot_at_any_time(decode, rows):
    found = decode(rows)
    for place, row in enumerate(rows):
        alone = decode([row] * ROWS, 1)
        np.testing.assert_array_equal(found.tokens[place], alone.tokens[0])
        assert found.sum_logprob[place].tobytes() == alone.sum_logprob[0].tobytes()


@pytest.mark.parametrize("count", [0, 1, 4, 11])
def test_rows_beyond_the_count_are_not_decoded(decode, count):
    whole, part = decode(range(ROWS)), decode(range(ROWS), count)
    np.testing.assert_array_equal(part.tokens[:count], whole.tokens[:count])
    assert not part.tokens[count:].any()
    assert not part.sum_logprob[count:].any()


def test_a_row_without_meaning_harms_no_other(setting):
    """An id beyond the vocabulary is read as NaN; its slot's next row must not see it."""
    model, params = setting
    tokens = POOL[:4].copy()
    tokens[0] = 99
    found = greedy_by_slots(model, params, tokens, 4, LENGTH, slots=1, group=1)
    alone = greedy_by_slots(model, params, POOL[:4], 4, LENGTH, slots=1, group=1)
    assert np.isnan(found.sum_logprob[0])
    np.testing.assert_array_equal(found.tokens[1:], alone.tokens[1:])
    np.testing.assert_array_equal(found.sum_logprob[1:], alone.sum_logprob[1:])
