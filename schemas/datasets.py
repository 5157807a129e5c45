"""The question sets that the paper measures: the names that mean each, whose script scores it, how many there are.

The counts are those of the paper's section 5.2 (arXiv 2204.04581). It prints 113313 for TriviaQA's test set, a slip:
DPR's split has 11,313. A public file that holds another number of questions is used all the same; the difference is
told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Script = Literal["orqa", "triviaqa", "squad", "hotpotqa", "musique", "patterns"]
"""Whose evaluation script says how a prediction is compared; ``patterns``: ORQA's for regular expressions."""

TWO_HOP: Final = "musique-2hop"
"""MuSiQue's questions of two hops, which are all that the paper uses."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """A question set."""

    title: str
    script: Script
    counts: Mapping[str, int]
    """Split -> the number of questions that the paper gives."""


_NQ: Final = DataSet("NQ-open", "orqa", {"train": 79_168, "dev": 8_757, "test": 3_610})
_TRIVIAQA: Final = DataSet("TriviaQA", "triviaqa", {"train": 78_785, "dev": 8_837, "test": 11_313})
_WEBQUESTIONS: Final = DataSet("WebQuestions", "orqa", {"train": 3_417, "dev": 361, "test": 2_032})
_HOTPOTQA: Final = DataSet("HotpotQA", "hotpotqa", {"train": 90_564, "dev": 7_405})
_TREC: Final = DataSet("CuratedTREC", "patterns", {})
_SQUAD: Final = DataSet("SQuAD", "squad", {})

_DATA_SETS: Final[Mapping[str, DataSet]] = MappingProxyType(
    {
        "nq": _NQ,
        "nq-open": _NQ,
        "trivia": _TRIVIAQA,
        "triviaqa": _TRIVIAQA,
        "webq": _WEBQUESTIONS,
        "webquestions": _WEBQUESTIONS,
        "hotpotqa": _HOTPOTQA,
        "musique": DataSet("MuSiQue", "musique", {}),
        TWO_HOP: DataSet("MuSiQue (2-hop)", "musique", {"train": 14_376, "dev": 1_252}),
        "curatedtrec": _TREC,
        "trec": _TREC,
        "squad": _SQUAD,
    }
)
"""Name -> what it means. "nq" and "trivia", "webq" are DPR's names."""


def data_set(name: str) -> DataSet:
    """Return the question set of a name; one that nobody knows is scored by ORQA's script and has no counts."""
    return _DATA_SETS.get(name, DataSet(name, "orqa", {}))


def count_note(name: str, split: str, questions: int) -> str | None:
    """Say how a number of questions differs from the paper's; None where it does not or the paper has none."""
    known = data_set(name)
    expected = known.counts.get(split)
    if expected in (None, questions):
        return None
    return f"{questions:,} questions of {known.title} {split}, the paper has {expected:,}"
