from qamat_core.claims import CLAIMS
from qamat_core.report.figures import collect
from qamat_core.report.verdicts import count, findings
from tests.qamat_core.report.plausible import metrics

FOUND = findings(collect([metrics()]))


def of(claim: str):
    return [finding for finding in FOUND if finding.claim.id == claim]


def test_a_claim_is_judged_over_every_memory_with_the_figures_of_its_rows() -> None:
    generated, gold = of("bm25")
    assert (generated.verdict, gold.verdict) == ("holds", "holds")
    assert (generated.figures, gold.figures) == ("71.3 against 52.9", "88.6 against 59.1")
    assert generated.place == "World, generated memory, base, n = 2,320"
    assert (generated.difference, generated.test) == ("+18.4 [+17.0, +19.0]", "p < 0.001")
    assert {finding.verdict for finding in of("fine-tuning")} == {"does not hold"}


def test_why_nothing_can_be_told_is_said() -> None:
    assert {finding.why for finding in of("large-memory")} == {"the interval covers 0 and 1 point"}
    (sizes,) = of("large-model")
    assert sizes.why == "not measured: Table 2: QAMAT Fine-tuned (large)"
    assert of("only-global-worst")[0].why == "no two runs that can be compared"


def test_every_claim_has_a_verdict_even_where_nothing_was_measured() -> None:
    assert [finding.claim for finding in findings([])] == list(CLAIMS)
    assert count(findings([]))[-1] == ("cannot be told at this scale", len(CLAIMS))
