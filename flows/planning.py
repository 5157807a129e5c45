"""A plan: every step that a flow would take, found or to be made, how long it may take, and what it is for.

The flow itself is run while a planner is set: nothing is made, and what is not made yet has placeholders.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from qamat_core.planning.durations import Durations, Estimate
from qamat_core.store.planning import placeholders, planning
from qamat_core.store.registry import RegistryRow
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef

State = Literal["found", "to make", "waits"]
"""Registered; to be made, and all that it reads is there; to be made, after something that it reads."""
REPORT: Final = "report"
"""What the steps are for that no table asks for."""

_step: ContextVar[tuple[str, str]] = ContextVar("step", default=("", ""))
_purpose: ContextVar[str] = ContextVar("purpose", default=REPORT)


@contextmanager
def step_called(step: str, name: str) -> Generator[None]:
    """Let jobs that are planned inside the block be of this step."""
    token = _step.set((step, name))
    try:
        yield
    finally:
        _step.reset(token)


@contextmanager
def wanted_for(purpose: str) -> Generator[None]:
    """Let jobs that are planned inside the block, and what they come of, be for this table."""
    token = _purpose.set(purpose)
    try:
        yield
    finally:
        _purpose.reset(token)


@dataclass(frozen=True)
class PlannedStep:
    """One job of a step."""

    step: str
    name: str
    job: Job
    keys: Mapping[str, str]
    """The key of every output by label."""
    state: State
    estimate: Estimate | None
    """None where nothing says how long it takes."""
    purposes: tuple[str, ...]
    """The tables that need it."""

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "step": self.step,
            "name": self.name,
            "state": self.state,
            "seconds": round(self.estimate.seconds, 1) if self.estimate else None,
            "measured": self.estimate.origin if self.estimate else None,
            "tables": list(self.purposes),
            "artifacts": {f"{kind}/{name}": self.keys[label] for label, (kind, name) in self.job.outputs.items()},
            "inputs": sorted({ref.key for ref in self.job.inputs.values()}),
        }


@dataclass(frozen=True)
class Plan:
    """The steps of a flow in their order."""

    title: str
    tables: tuple[str, ...]
    steps: tuple[PlannedStep, ...]

    @property
    def missing(self) -> list[PlannedStep]:
        """What is to be made."""
        return [one for one in self.steps if one.state != "found"]

    @property
    def unknown(self) -> int:
        """How many of the missing steps nobody knows the length of."""
        return sum(one.estimate is None for one in self.missing)

    @property
    def seconds(self) -> float:
        """How long the missing steps take of which that is known."""
        return sum(one.estimate.seconds for one in self.missing if one.estimate)

    def record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "plan": self.title,
            "found": len(self.steps) - len(self.missing),
            "to_make": len(self.missing),
            "minutes": round(self.seconds / 60, 1),
            "unknown": self.unknown,
            "steps": [one.record() for one in self.steps],
        }


@dataclass
class _Gatherer:
    """Gathers the jobs that are asked for, each once, with the tables that ask for it."""

    known: Mapping[str, ArtifactRef]
    durations: Durations
    steps: list[PlannedStep] = field(default_factory=list[PlannedStep])
    makers: dict[str, int] = field(default_factory=dict[str, int])
    """Which step makes a key."""
    wanted: dict[str, set[int]] = field(default_factory=dict[str, set[int]])

    def ask(self, job: Job) -> Mapping[str, ArtifactRef]:
        keys = job.keys()
        found = self.known.keys() >= set(keys.values())
        number = self.makers.setdefault(min(keys.values()), len(self.steps))
        if number == len(self.steps):
            waits = any(ref.key not in self.known for ref in job.inputs.values())
            state: State = "found" if found else "waits" if waits else "to make"
            step, name = _step.get()
            self.steps.append(PlannedStep(step, name, job, keys, state, self.durations.estimate(job), ()))
            self.makers |= dict.fromkeys(keys.values(), number)
        self.wanted.setdefault(_purpose.get(), set()).add(number)
        return {label: self.known[key] for label, key in keys.items()} if found else placeholders(job)

    def purposes(self) -> list[tuple[str, ...]]:
        """Return for every step the tables that it is for: those that asked for it, or for what comes of it."""
        needed = {purpose: self._ancestors(numbers) for purpose, numbers in self.wanted.items()}
        tables = [purpose for purpose in needed if purpose != REPORT] + [REPORT]
        found = [tuple(one for one in tables if number in needed.get(one, ())) for number in range(len(self.steps))]
        return [one[:-1] if len(one) > 1 and one[-1] == REPORT else one for one in found]

    def _ancestors(self, numbers: set[int]) -> set[int]:
        seen, waiting = set(numbers), list(numbers)
        for number in waiting:
            made_by = {self.makers[ref.key] for ref in self.steps[number].job.inputs.values() if ref.key in self.makers}
            waiting += made_by - seen
            seen |= made_by
        return seen


def plan_of(work: Callable[[], object], title: str, home: str, reference: Mapping[str, float]) -> Plan:
    """Plan what ``work`` would do in a home; nothing is made.

    Args:
        work: takes steps; it may not open what they give.
        title: of the plan.
        home: where artifacts live.
        reference: module -> seconds a unit, where the home has no job of a module (``Durations``).
    """
    rows: Sequence[RegistryRow] = Store(home).registry.rows()
    gatherer = _Gatherer({row.ref.key: row.ref for row in rows}, Durations(rows, reference))
    with planning(gatherer):
        work()
    steps = [replace(one, purposes=its) for one, its in zip(gatherer.steps, gatherer.purposes(), strict=True)]
    return Plan(title, tuple(purpose for purpose in gatherer.wanted if purpose != REPORT), tuple(steps))
