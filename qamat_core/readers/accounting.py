"""Taking in what a reader gives: every record is kept or rejected, and too many rejects are an error."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from qamat_core.readers.squad import UNANSWERABLE
from schemas.errors import InputError, RejectLimitError
from schemas.records import Annotation, Passage, QAExample, Reject

DEFAULT_MAX_REJECT_SHARE: Final = 0.01
EXPECTED_REASONS: Final = frozenset({UNANSWERABLE})
"""Rejects with these reasons are listed like all others but do not count against the limit."""

Record = TypeVar("Record", bound=Passage | Annotation | QAExample)


@dataclass(frozen=True, slots=True)
class ReadResult(Generic[Record]):
    """What was read from one source, kept and rejected."""

    records: list[Record]
    rejects: list[Reject]

    @property
    def read(self) -> int:
        """How many records the source held."""
        return len(self.records) + len(self.rejects)


def read_all(
    items: Iterable[Record | Reject], source: str, *, max_reject_share: float = DEFAULT_MAX_REJECT_SHARE
) -> ReadResult[Record]:
    """Read a source to its end.

    ``source`` is the file as the user named it, for messages. Raises ``InputError`` when nothing was read and
    ``RejectLimitError`` when more than ``max_reject_share`` (0 to 1) of what was read had to be rejected.
    """
    records: list[Record] = []
    rejects: list[Reject] = []
    for item in items:
        if isinstance(item, Reject):
            rejects.append(item)
        else:
            records.append(item)
    check_rejects(source, len(records) + len(rejects), rejects, max_reject_share)
    return ReadResult(records, rejects)


def check_rejects(source: str, read: int, rejects: list[Reject], max_reject_share: float) -> None:
    """Raise as ``read_all`` does, for a source of which ``read`` records, ``rejects`` among them, were read."""
    if not read:
        raise InputError(f"{source}: no records in the file: give a file that is not empty")
    faults = [reject for reject in rejects if reject.reason not in EXPECTED_REASONS]
    if len(faults) > max_reject_share * read:
        raise RejectLimitError(
            f"{source}: {len(faults)} of {read} records rejected, more than {max_reject_share:.2%}; "
            f"the first is {faults[0].source}: {faults[0].reason}; mend the file or raise max_reject_share"
        )
