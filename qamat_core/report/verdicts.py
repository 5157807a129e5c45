"""What the figures say of the paper's claims."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qamat_core.claims import ALPHA, CLAIMS, LEAST, Claim, Side, Verdict, judge
from qamat_core.report.figures import Figure


@dataclass(frozen=True)
class Finding:
    """A claim in one place: the figures of both rows, the difference with its test, the verdict, and why none."""

    claim: Claim
    verdict: Verdict
    place: str = ""
    figures: str = ""
    difference: str = ""
    test: str = ""
    why: str = ""

    @property
    def rows(self) -> str:
        """What is compared."""
        first, second = self.claim.first, self.claim.second
        return f"{first} {self.claim.expected} {second.label if first.table == second.table else second}"

    def record(self) -> dict[str, str]:
        """Return it as text by column."""
        return {
            "claim": self.claim.text,
            "compared": self.rows,
            "place": self.place,
            "figures": self.figures,
            "difference": self.difference,
            "test": self.test,
            "verdict": self.verdict,
            "why": self.why,
        }


def findings(figures: Sequence[Figure]) -> list[Finding]:
    """Judge every claim wherever its rows were compared; what was compared nowhere cannot be told, comes last."""
    measured = [figure for figure in figures if figure.source == "measured"]
    found = [finding for claim in CLAIMS for finding in _of(claim, measured)]
    return sorted(found, key=lambda finding: not finding.difference)


def count(found: Sequence[Finding]) -> list[tuple[Verdict, int]]:
    """Return how many findings there are of each verdict."""
    counts = Counter(finding.verdict for finding in found)
    order: tuple[Verdict, ...] = ("holds", "does not hold", "cannot be told at this scale")
    return [(verdict, counts[verdict]) for verdict in order]


def _of(claim: Claim, measured: Sequence[Figure]) -> Iterator[Finding]:
    own = [figure for figure in measured if figure.table == "claims" and figure.row == claim.id]
    tests = {_beside(figure): figure for figure in own if figure.metric == "p"}
    differences = [figure for figure in own if figure.metric == "difference"]
    if not differences:
        missing = [f"{side}" for side in claim.lacking(measured)]
        why = f"not measured: {'; '.join(missing)}" if missing else "no two runs that can be compared"
        yield Finding(claim, "cannot be told at this scale", why=why)
    for figure in differences:
        yield _judged(claim, figure, tests[_beside(figure)].value, measured)


def _judged(claim: Claim, figure: Figure, p: float, measured: Sequence[Figure]) -> Finding:
    low, high = figure.low or 0.0, figure.high or 0.0
    verdict = judge(claim, difference=figure.value, low=low, high=high, p=p)
    values = [_value(side, claim, figure, measured) for side in (claim.first, claim.second)]
    unit = " %" if claim.metric == "questions_per_second" else ""
    return Finding(
        claim,
        verdict,
        place=", ".join((_questions(figure), *_setting(claim, figure), f"n = {figure.n:,}")),
        figures=" against ".join(filter(None, values)) if all(values) else "",
        difference=f"{figure.value:+.1f}{unit} [{low:+.1f}, {high:+.1f}]",
        test="p < 0.001" if p < 0.001 else f"p = {p:.3f}",
        why=_doubt(low, p) if verdict == "cannot be told at this scale" else "",
    )


def _questions(figure: Figure) -> str:
    return figure.dataset_name + (f" {figure.split}" if figure.split != "test" else "")


def _setting(claim: Claim, figure: Figure) -> Iterator[str]:
    """Name what both rows have in common."""
    if not claim.of_memories:
        yield f"{figure.memory} memory"
    if claim.first.model_size is None and figure.model_size:
        yield figure.model_size


def _doubt(low: float, p: float) -> str:
    if low <= 0:
        return f"the interval covers 0 and {LEAST:g} point"
    return f"p is above {ALPHA}" if p > ALPHA else f"the difference is below {LEAST:g} point"


def _value(side: Side, claim: Claim, at: Figure, measured: Sequence[Figure]) -> str:
    """Return the figure of a row that was compared, as text."""
    for figure in measured:
        if side.has(figure) and figure.metric == claim.metric and claim.comparable(at, figure):
            return figure.text
    return ""


def _beside(figure: Figure) -> tuple[object, ...]:
    """Return the place without the metric."""
    return figure.dataset, figure.split, figure.memory, figure.model_size, figure.k, figure.x
