from dataclasses import replace

from qamat_core.report.figures import collect
from qamat_core.report.orderings import check
from tests.qamat_core.report.plausible import metrics

FIGURES = collect([metrics()])


def verdicts(figures) -> dict[tuple[str, str], str]:
    return {(finding.text, finding.place): finding.verdict for finding in check(figures)}


def test_intervals_decide_how_firmly_an_ordering_holds() -> None:
    found = verdicts(FIGURES)
    assert found["QAMAT+ above QAMAT", "World, two hops, gold memory"] == "holds, intervals apart"
    assert found["In-Batch->Global above Only In-Batch", "World, gold memory"] == "holds, intervals overlap"
    assert found["QAMAT Fine-tuned above Closed-book T5", "World, gold memory"] == "holds, intervals apart"
    growth = "Exact match grows with the memory", "QAMAT Fine-tuned, World, gold memory"
    assert found[growth] == "holds, intervals apart"


def test_what_does_not_hold_is_said() -> None:
    turned = [replace(figure, value=10.0) if figure.row == "In-Batch->Global" else figure for figure in FIGURES]
    assert verdicts(turned)["In-Batch->Global above Only Global", "World, gold memory"] == "does not hold"
    dip = [replace(figure, value=1.0) if figure.x == 75 else figure for figure in FIGURES]
    growth = "Exact match grows with the memory", "QAMAT Fine-tuned, World, gold memory"
    assert verdicts(dip)[growth] == "does not hold"


def test_figures_of_other_questions_are_not_compared() -> None:
    moved = [replace(figure, split="dev") if figure.row == "Only Global" else figure for figure in FIGURES]
    assert verdicts(moved)["In-Batch->Global above Only Global", "World, gold memory"] == "missing"


def test_nothing_measured_nothing_holds() -> None:
    assert set(verdicts([]).values()) == {"missing"}
