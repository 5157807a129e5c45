"""docs/claims.md and the claims as data say the same; one rule judges."""

import re
from pathlib import Path

import pytest

from qamat_core.claims import ALPHA, CLAIMS, LEAST, judge
from schemas.evaluation import Place

PAGE, _, VERDICTS = (Path(__file__).parents[2] / "docs" / "claims.md").read_text().partition("## Verdicts")
BY_ID = {claim.id: claim for claim in CLAIMS}


def place(table: str, row: str, **columns: object) -> Place:
    usual = {"dataset": "world", "split": "test", "memory": "generated", "model_size": "mini"}
    return Place.model_validate(usual | {"table": table, "row": row} | columns)


def test_the_page_lists_the_claims_that_the_code_judges() -> None:
    listed = [line for line in PAGE.splitlines() if re.match(r"\| `", line)]
    wanted = [
        f"| `{claim.id}` | {claim.first} | {claim.second} | {claim.metric} | {claim.expected} | {claim.source} |"
        for claim in CLAIMS
    ]
    assert listed == wanted
    assert all(f"- `{claim.id}`: {claim.text}.\n" in PAGE for claim in CLAIMS)
    assert len(BY_ID) == len(CLAIMS)
    assert set(re.findall(r"^\| `([^`]+)`", VERDICTS, re.MULTILINE)) <= set(BY_ID), "verdicts are of these claims"
    assert f"at most **{ALPHA}**" in PAGE
    assert f"at least **{LEAST:g} point**" in PAGE


@pytest.mark.parametrize(
    ("difference", "low", "high", "p", "above", "not_above"),
    [
        (5.0, 3.0, 7.0, 0.001, "holds", "does not hold"),
        (-5.0, -7.0, -3.0, 0.001, "does not hold", "holds"),
        (0.1, -0.4, 0.6, 0.7, "does not hold", "holds"),
        (2.0, -1.0, 5.0, 0.2, "cannot be told at this scale", "cannot be told at this scale"),
        (2.0, 0.1, 4.0, 0.06, "cannot be told at this scale", "cannot be told at this scale"),
        (0.9, 0.2, 1.6, 0.01, "cannot be told at this scale", "cannot be told at this scale"),
    ],
)
def test_interval_p_and_least_difference_decide(difference, low, high, p, above, not_above) -> None:
    figures = {"difference": difference, "low": low, "high": high, "p": p}
    assert judge(BY_ID["recall-grows"], **figures) == above
    assert judge(BY_ID["em-saturates"], **figures) == not_above


def test_only_the_same_questions_over_one_memory_are_compared() -> None:
    ours = [place("table2", "QAMAT Fine-tuned", memory=memory) for memory in ("generated", "gold")]
    bm25, closed = place("table2", "BM25 questions"), place("table2", "Closed-book T5", memory="none")
    learned = place("table2", "Closed-book T5", memory="none", split="train")
    assert BY_ID["bm25"].pairs([*ours, bm25]) == [(ours[0], bm25)]
    assert BY_ID["closed-book"].pairs([*ours, closed, learned]) == [(one, closed) for one in ours]


def test_memories_and_sizes_differ_only_where_the_claim_is_about_them() -> None:
    ours, paq = place("table6", "Ours 60M"), place("table6", "PAQ 65M", memory="imported")
    assert BY_ID["wider-memory"].pairs([ours, paq]) == [(ours, paq)]
    base, large = (place("table2", "QAMAT Fine-tuned", model_size=size) for size in ("base", "large"))
    assert BY_ID["large-model"].pairs([base, large]) == [(large, base)]
    assert (
        BY_ID["large-model"].pairs([large, place("table2", "QAMAT Fine-tuned", model_size="base", memory="gold")]) == []
    )
    repaq, zero = place("table2", "RePAQ", model_size="base"), place("table2", "QAMAT Zero-Shot", model_size="large")
    assert BY_ID["repaq"].pairs([base, large, repaq]) == [(base, repaq)]
    assert BY_ID["fine-tuning"].pairs([base, large, zero]) == [(large, zero)]


def test_both_two_hop_sets_are_judged_and_the_start_on_the_second():
    sets = ("world-two-hop", "world-b-two-hop")
    plus, one = (
        [place("table3", row, dataset=dataset, memory="gold", k=k) for dataset in sets]
        for row, k in (("QAMAT+", 2), ("QAMAT", 4))
    )
    alone = place("table3", "QAMAT+ without HotpotQA's start", dataset=sets[1], memory="gold", k=2)
    places = [*one, *plus, alone]
    assert BY_ID["two-rounds"].pairs(places) == list(zip(plus, one, strict=True))
    assert BY_ID["hotpotqa-start"].pairs(places) == [(plus[1], alone)]


def test_what_a_claim_lacks_is_named() -> None:
    read = [place("table4", "QAMAT Fine-tuned", k=k) for k in (1, 20)]
    assert [str(side) for side in BY_ID["recall-grows"].lacking(read)] == ["Table 4: QAMAT Fine-tuned (K 30)"]
    shares = [place("figure7", "QAMAT Fine-tuned", x=x) for x in (0.0, 100.0)]
    assert BY_ID["large-memory"].lacking(shares) == []
    assert [str(side) for side in BY_ID["small-memory"].lacking(shares)] == ["Figure 7: QAMAT Fine-tuned (8 %)"]
