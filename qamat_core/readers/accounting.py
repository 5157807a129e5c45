"""Taking in what a reader gives: every record is kept or rejected, and too many rejects are an error."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from qamat_core.readers import wikipedia
from qamat_core.readers.contexts import REPEATED
from qamat_core.readers.multihop_questions import MORE_HOPS
from qamat_core.readers.squad import UNANSWERABLE
from schemas.errors import InputError, RejectLimitError
from schemas.records import Annotation, Passage, QAExample, Reject

DEFAULT_MAX_REJECT_SHARE: Final = 0.01
IN_EARLIER_FILE: Final = "the same record stands in an earlier file"
EXPECTED_REASONS: Final = frozenset({UNANSWERABLE, REPEATED, MORE_HOPS, IN_EARLIER_FILE}) | wikipedia.EXPECTED
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
    """Read a source to its end; ``source`` and the errors are those of ``checked``."""
    records: list[Record] = []
    rejects: list[Reject] = []
    for item in checked(items, source, max_reject_share):
        if isinstance(item, Reject):
            rejects.append(item)
        else:
            records.append(item)
    return ReadResult(records, rejects)


def checked(
    items: Iterable[Record | Reject], source: str, max_reject_share: float = DEFAULT_MAX_REJECT_SHARE
) -> Iterator[Record | Reject]:
    """Give the items of one source as they are, counting them; nothing is held.

    ``source`` is the file as the user named it, for messages. At the end raises ``InputError`` when nothing was read
    and ``RejectLimitError`` when more than ``max_reject_share`` (0 to 1) of what was read had to be rejected.
    """
    read = faults = 0
    first: Reject | None = None
    for item in items:
        read += 1
        if isinstance(item, Reject) and item.reason not in EXPECTED_REASONS:
            faults += 1
            first = first or item
        yield item
    if not read:
        raise InputError(f"{source}: no records in the file: give a file that is not empty")
    if first is not None and faults > max_reject_share * read:
        raise RejectLimitError(
            f"{source}: {faults} of {read} records rejected, more than {max_reject_share:.2%}; "
            f"the first is {first.source}: {first.reason}; mend the file or raise max_reject_share"
        )
