"""Training agrees with `transformers`: from equal weights, plain gradient descent gives equal losses for 20 steps."""

import pytest

pytest.importorskip("torch")

from tests.benchmarks.bench_training import STEPS, Work, batch, our_step, random_model, their_step

pytestmark = pytest.mark.live


def test_twenty_steps_of_gradient_descent_agree_with_transformers():
    work = Work(rows=4, source=24, target=10, layers=2)
    model = random_model(work.layers)
    ours, theirs = our_step(model, work.layers), their_step(model)
    pairs = [(ours(each), theirs(each)) for each in (batch(work, number % 4) for number in range(STEPS))]
    assert all(one == pytest.approx(other, abs=1e-3) for one, other in pairs), pairs
    assert pairs[-1][0] < pairs[0][0] - 0.1
