"""How long a job will take is read from jobs of the same module over the same sources."""

import pytest

from qamat_core.planning.durations import Durations, Estimate
from qamat_core.store.planning import placeholders
from qamat_core.store.registry import RegistryRow, now
from qamat_core.store.store import Job
from schemas.base import Frozen


class World(Frozen):
    """What all comes of."""

    people: int
    seed: int = 0


class Training(Frozen):
    """What trains."""

    steps: int
    batch_size: int = 8
    seed: int = 0


def world(people: int, seed: int = 0) -> Job:
    return Job("tasks.build_world", World(people=people, seed=seed), {}, {"passages": ("passages", "world")})


def training(config: Training, source: Job, name: str = "model") -> Job:
    inputs = {"passages": placeholders(source)["passages"]}
    return Job("tasks.train_inbatch", config, inputs, {"checkpoint": ("checkpoint", name)})


def done(job: Job, seconds: float) -> RegistryRow:
    (ref,) = placeholders(job).values()
    return RegistryRow(
        ref=ref,
        files=(),
        inputs=dict(job.inputs),
        config=job.config.model_dump_json(),
        module=job.module,
        git_commit="",
        pins="",
        flow_run_id="",
        seconds=seconds,
        created=now(),
    )


SMALL, LARGE = world(10), world(1000)
ROWS = [
    done(SMALL, 1),
    done(training(Training(steps=4), SMALL), 3),
    done(LARGE, 9),
    done(training(Training(steps=100), LARGE), 50),
    done(training(Training(steps=100), LARGE, "again"), 60),
    done(training(Training(steps=100), LARGE, "slow"), 400),
]


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        pytest.param(Training(steps=100), 60, id="the middle one of the same configuration"),
        pytest.param(Training(steps=100, seed=3), 60, id="another seed"),
        pytest.param(Training(steps=50), 30, id="half the steps"),
    ],
)
def test_the_home_says_how_long(config: Training, seconds: float):
    durations = Durations(ROWS)
    assert durations.estimate(training(config, LARGE, "new")) == Estimate(seconds, "home")


def test_another_seed_of_the_world_is_as_large():
    durations, other = Durations(ROWS), world(1000, seed=1)
    assert durations.estimate(other) == Estimate(9, "home")
    assert durations.estimate(training(Training(steps=100), other)) == Estimate(60, "home")


@pytest.mark.parametrize("config", [Training(steps=100, batch_size=16), Training(steps=4)])
def test_jobs_of_other_sizes_say_nothing(config: Training):
    middle = world(100)
    durations = Durations(ROWS)
    assert durations.estimate(middle) is None
    assert durations.estimate(training(config, middle)) is None


def test_the_reference_speaks_where_the_home_does_not():
    durations = Durations([], {"tasks.train_inbatch": 0.5})
    assert durations.estimate(SMALL) is None
    assert durations.estimate(training(Training(steps=4), SMALL)) == Estimate(2, "reference")
