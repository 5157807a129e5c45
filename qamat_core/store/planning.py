"""Planning: while a planner is set, a store makes nothing; the planner is told every job and gives its outputs.

An output that is not made yet has a placeholder, a reference whose content stands for its key: so what is made of it
has a key of its own too, which changes when anything changes that it comes of.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

from qamat_core.store.fingerprint import digest_json
from schemas.artifacts import ArtifactRef

if TYPE_CHECKING:
    from qamat_core.store.store import Job


class Planner(Protocol):
    """Is told what would be made."""

    def ask(self, job: "Job") -> Mapping[str, ArtifactRef]:
        """Return the outputs of a job by label, registered ones or placeholders."""
        ...


_planner: ContextVar[Planner | None] = ContextVar("planner", default=None)


def planner() -> Planner | None:
    """Return who plans at present; None where work is done."""
    return _planner.get()


@contextmanager
def planning(by: Planner) -> Generator[None]:
    """Let stores make nothing inside the block."""
    token = _planner.set(by)
    try:
        yield
    finally:
        _planner.reset(token)


def placeholders(job: "Job") -> dict[str, ArtifactRef]:
    """Return references to what a job would make, by label; they cannot be opened."""
    keys = job.keys()
    return {
        label: ArtifactRef(
            kind=kind, name=name, version=0, key=keys[label], content=digest_json(["planned", keys[label]]), uri=""
        )
        for label, (kind, name) in job.outputs.items()
    }
