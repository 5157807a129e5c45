"""The paper's claims as data: what is compared, and the one rule that says whether a claim holds (docs/claims.md)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeVar

ALPHA: Final = 0.05
"""The largest p of a difference that counts as one."""
LEAST: Final = 1.0
"""The smallest difference that counts, in points."""

Metric = Literal["em", "f1", "recall", "questions_per_second"]
Expected = Literal["above", "not above"]
Verdict = Literal["holds", "does not hold", "cannot be told at this scale"]


class Placed(Protocol):
    """The columns of ``metrics`` that tell runs apart."""

    @property
    def table(self) -> str: ...  # noqa: D102
    @property
    def row(self) -> str: ...  # noqa: D102
    @property
    def dataset(self) -> str: ...  # noqa: D102
    @property
    def split(self) -> str: ...  # noqa: D102
    @property
    def memory(self) -> str: ...  # noqa: D102
    @property
    def model_size(self) -> str: ...  # noqa: D102
    @property
    def k(self) -> int | None: ...  # noqa: D102
    @property
    def x(self) -> float | None: ...  # noqa: D102


P = TypeVar("P", bound=Placed)


@dataclass(frozen=True, slots=True)
class Side:
    """A row of a table. ``k``, ``x`` (a share in percent) and ``model_size`` tell it apart where they are given."""

    table: str
    row: str
    k: int | None = None
    x: float | None = None
    model_size: str | None = None

    def has(self, place: Placed) -> bool:
        """Say whether this row stands at a place."""
        own = (self.table, self.row, self.k, self.x, self.model_size)
        its = (place.table, place.row, place.k, place.x, place.model_size)
        return all(wanted in (None, found) for wanted, found in zip(own, its, strict=True))

    def __str__(self) -> str:
        """Name the row with its table, as the report does."""
        table = self.table.replace("table", "Table ").replace("figure", "Figure ")
        return f"{table[0].upper()}{table[1:]}: {self.label}"

    @property
    def label(self) -> str:
        """The row's name with what tells it apart."""
        parts = [
            f"K {self.k}" if self.k is not None else "",
            f"{self.x:g} %" if self.x is not None else "",
            self.model_size or "",
        ]
        detail = ", ".join(filter(None, parts))
        return self.row + (f" ({detail})" if detail else "")


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: ``first`` is expected above ``second``, or not above it, by ``metric`` over the same questions."""

    id: str
    text: str
    source: str
    """Where the paper says it."""
    first: Side
    second: Side
    metric: Metric = "em"
    expected: Expected = "above"
    of_memories: bool = False
    """Whether the rows' memories are what is compared; both rows read one memory otherwise, or one of them none."""

    def pairs(self, places: Iterable[P]) -> list[tuple[P, P]]:
        """Return what can be compared: each first row with the first comparable second one."""
        known = list(places)
        seconds = [place for place in known if self.second.has(place)]
        rivals = [
            (one, [other for other in seconds if self.comparable(one, other)]) for one in known if self.first.has(one)
        ]
        return [(one, found[0]) for one, found in rivals if found]

    def comparable(self, first: Placed, second: Placed) -> bool:
        """Say whether two rows answered the same questions, over one memory, with models of one size.

        Memories and sizes may differ where the claim is about them; a row without a memory, or without a model, is
        compared with every one.
        """
        same_questions = (first.dataset, first.split) == (second.dataset, second.split)
        memories, sizes = {first.memory, second.memory}, {first.model_size, second.model_size}
        same_memory = self.of_memories or len(memories - {"none"}) <= 1
        same_size = self.first.model_size is not None or len(sizes - {""}) <= 1
        return same_questions and same_memory and same_size

    def lacking(self, places: Iterable[Placed]) -> list[Side]:
        """Return the rows that stand at none of the places."""
        known = list(places)
        return [side for side in (self.first, self.second) if not any(map(side.has, known))]


def judge(claim: Claim, *, difference: float, low: float, high: float, p: float) -> Verdict:
    """Say whether a claim holds: the one rule, for every claim.

    Args:
        claim: the claim.
        difference: of the first row over the second, in points.
        low: the lower end of its interval.
        high: the upper end.
        p: of its test.
    """
    above = low > 0 and p <= ALPHA and difference >= LEAST
    not_above = high < LEAST
    if not above and not not_above:
        return "cannot be told at this scale"
    return "holds" if above == (claim.expected == "above") else "does not hold"


def _table2(row: str, model_size: str | None = None) -> Side:
    return Side("table2", row, model_size=model_size)


_OURS: Final = _table2("QAMAT Fine-tuned")

CLAIMS: Final[Sequence[Claim]] = (
    Claim("closed-book", "QAMAT answers better than T5 without a memory", "§5.4", _OURS, _table2("Closed-book T5")),
    Claim(
        "bm25",
        "QAMAT answers better than a search of the memory's questions by words",
        "ours: the least that a memory must do",
        _OURS,
        _table2("BM25 questions"),
    ),
    Claim("repaq", "QAMAT answers better than RePAQ", "§5.4, §6", _OURS, _table2("RePAQ")),
    Claim(
        "repaq-reranked",
        "QAMAT answers better than RePAQ with re-ranking (the paper: on TriviaQA and WebQuestions, not on NQ)",
        "§5.4",
        _OURS,
        _table2("RePAQ+Rerank"),
    ),
    Claim("reranking", "Re-ranking helps RePAQ", "Table 2", _table2("RePAQ+Rerank"), _table2("RePAQ")),
    Claim("fine-tuning", "Fine-tuning helps QAMAT", "Table 2", _OURS, _table2("QAMAT Zero-Shot")),
    Claim(
        "large-model",
        "A large model answers better than a base one",
        "Table 2",
        _table2("QAMAT Fine-tuned", "large"),
        _table2("QAMAT Fine-tuned", "base"),
    ),
    Claim(
        "both-stages-above-in-batch",
        "In-batch, then global pre-training is better than in-batch alone",
        "§5.6, Table 5",
        Side("table5", "In-Batch->Global"),
        Side("table5", "Only In-Batch"),
    ),
    Claim(
        "both-stages-above-global",
        "In-batch, then global pre-training is better than global alone",
        "§5.6, Table 5",
        Side("table5", "In-Batch->Global"),
        Side("table5", "Only Global"),
    ),
    Claim(
        "only-global-worst",
        "Global pre-training alone is the worst of all",
        "§5.6, Table 5",
        Side("table5", "Only In-Batch"),
        Side("table5", "Only Global"),
    ),
    Claim(
        "recall-grows",
        "Recall still grows where K goes beyond 20",
        "§5.6, Table 4",
        Side("table4", "QAMAT Fine-tuned", k=30),
        Side("table4", "QAMAT Fine-tuned", k=20),
        "recall",
    ),
    Claim(
        "em-saturates",
        "Exact match does not grow where K goes beyond 20",
        "§5.6, Table 4",
        Side("table4", "QAMAT Fine-tuned", k=30),
        Side("table4", "QAMAT Fine-tuned", k=20),
        expected="not above",
    ),
    Claim(
        "two-rounds",
        "Two rounds of retrieval (QAMAT+) answer two-hop questions better than one (the paper: on both sets)",
        "§5.5, Table 3",
        Side("table3", "QAMAT+"),
        Side("table3", "QAMAT"),
        "f1",
    ),
    Claim(
        "discrete-memory",
        "Reading the entries' text too is better than their vectors alone",
        "§3.4",
        Side("integration", "Both parts"),
        Side("integration", "Neural part alone"),
    ),
    Claim(
        "hotpotqa-start",
        "Starting from HotpotQA's in-batch checkpoint helps on MuSiQue",
        "§5.5",
        Side("table3", "QAMAT+"),
        Side("table3", "QAMAT+ without HotpotQA's start"),
        "f1",
    ),
    Claim(
        "wider-memory",
        "A memory of wider coverage is better than a more precise one",
        "Appendix C.1, Table 6",
        Side("table6", "Ours 60M"),
        Side("table6", "PAQ 65M"),
        of_memories=True,
    ),
    Claim(
        "more-examples",
        "More pre-training examples help (the paper: 20M and 1M)",
        "Appendix C.2, Table 7",
        Side("table7", "QAMAT Fine-tuned", x=100),
        Side("table7", "QAMAT Fine-tuned", x=5),
    ),
    Claim(
        "small-memory",
        "A small memory does not help (the paper: 5M of 60M entries)",
        "Appendix C.2, Figure 7",
        Side("figure7", "QAMAT Fine-tuned", x=8),
        Side("figure7", "QAMAT Fine-tuned", x=0),
        expected="not above",
    ),
    Claim(
        "large-memory",
        "A large memory helps",
        "Appendix C.2, Figure 7",
        Side("figure7", "QAMAT Fine-tuned", x=100),
        Side("figure7", "QAMAT Fine-tuned", x=0),
    ),
    Claim(
        "steep-growth",
        "The whole memory is better than a quarter of it (the paper: beyond 15M of 60M entries)",
        "Appendix C.2, Figure 7",
        Side("figure7", "QAMAT Fine-tuned", x=100),
        Side("figure7", "QAMAT Fine-tuned", x=25),
    ),
    Claim(
        "speed",
        "QAMAT answers more questions a second than FiD (the paper: 240 and 50)",
        "§2.1, §5.4",
        Side("speed", "QAMAT"),
        Side("speed", "FiD"),
        "questions_per_second",
    ),
    Claim(
        "human-bm25",
        "On real questions over pairs that people wrote, QAMAT from random weights answers better than a search of the "
        "questions by words",
        "ours: real questions without pre-trained weights",
        Side("human", "QAMAT Fine-tuned"),
        Side("human", "BM25 questions"),
    ),
    Claim(
        "human-reading",
        "There, reading the entries is better than giving the nearest one's answer",
        "ours: real questions without pre-trained weights",
        Side("human", "QAMAT Fine-tuned"),
        Side("human", "Dense questions Fine-tuned"),
    ),
)
"""Every claim, in the order of the report; docs/claims.md lists the same."""


def comparisons(places: Iterable[P]) -> list[tuple[Claim, P, P]]:
    """Return every claim with each pair of places that it is judged by."""
    known = list(places)
    return [(claim, *pair) for claim in CLAIMS for pair in claim.pairs(known)]
