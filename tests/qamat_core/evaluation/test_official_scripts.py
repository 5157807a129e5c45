"""Scores against the published definitions of the official scripts, written anew here, on 5,000 random pairs."""

import random
import re
import string
import time
import unicodedata
from collections.abc import Callable, Sequence

import pytest

from qamat_core.evaluation.metrics import exact_match, f1, first_hit
from schemas.datasets import Script
from schemas.errors import InputError

PAIRS = 5000
PLAIN = "the The a an AN theatre yes Yes no No. noanswer 1999 1,999 3.5 U.S. us x-y x_y O'Neil STRASSE Rome rome . !? `"
MARKED = "O\u2019Neil \u2018so\u2019 caf\u00e9 cafe\u0301 \u00c9 a\u0301 stra\u00dfe \u0130 \u01c5 \u4e2d\u6587"
PIECES = (*PLAIN.split(), *MARKED.split(), "\u00b4", "\u2014", "\u00bd", "\u00a0", "\t", "")
PLANTED = [
    ("", [""]),
    ("the", ["a"]),
    ("!", [""]),
    ("x", [""]),
    ("yes it is", ["yes"]),
    ("no", ["noanswer", "no"]),
    ("no answer", ["noanswer"]),
    ("Beyonc\u00e9", ["Beyonce\u0301"]),
    ("\u00e1", ["a\u0301"]),
    ("a_b", ["a b", "ab"]),
    ("it\u2019s", ["it s", "its"]),
    ("an apple", ["pear", "The Apple!"]),
    ("Paris", []),
    ("rome rome", ["rome", "rome, Rome, ROME"]),
]


def words(text: str, keep: Callable[[str], str | None], nfd: bool) -> list[str]:
    """Lower case, every character as ``keep`` has it (None: as it is), no articles between word borders."""
    text = (unicodedata.normalize("NFD", text) if nfd else text).lower()
    text = "".join(c if (changed := keep(c)) is None else changed for c in text)
    return re.compile(r"\b(?:a|an|the)\b").sub(" ", text).split()


def dropped(character: str) -> str | None:
    return "" if character in string.punctuation else None


def spaced(character: str) -> str | None:
    return " " if character in string.punctuation + "\u2018\u2019\u00b4`_" else None


WORDS: dict[Script, Callable[[str], list[str]]] = {
    "orqa": lambda text: words(text, dropped, nfd=True),
    "triviaqa": lambda text: words(text, spaced, nfd=False),
    "squad": lambda text: words(text, dropped, nfd=False),
    "hotpotqa": lambda text: words(text, dropped, nfd=False),
    "musique": lambda text: words(text, dropped, nfd=False),
}


def score(predicted: list[str], gold: list[str], script: Script) -> float:
    """F1 by precision and recall, each shared token crossed off once."""
    if (
        script == "hotpotqa"
        and predicted != gold
        and {("yes",), ("no",), ("noanswer",)} & {tuple(predicted), tuple(gold)}
    ):
        return 0.0
    if script in ("orqa", "musique") and not (predicted and gold):
        return float(predicted == gold)
    left, same = list(gold), 0
    for token in predicted:
        if token in left:
            left.remove(token)
            same += 1
    if same == 0:
        return 0.0
    precision, recall = same / len(predicted), same / len(gold)
    return 2 * precision * recall / (precision + recall)


def drawn(count: int) -> list[tuple[str, Sequence[str]]]:
    """Return planted pairs and random ones; a third of the answers are the prediction with one piece changed."""
    rng = random.Random(0)
    pairs: list[tuple[str, Sequence[str]]] = list(PLANTED)
    while len(pairs) < count:
        pieces = rng.choices(PIECES, k=rng.randrange(5))
        near = [*pieces, rng.choice(PIECES)]
        rng.shuffle(near)
        answers = [" ".join(rng.choices(PIECES, k=rng.randrange(4))) for _ in range(rng.randrange(1, 4))]
        joint = rng.choice((" ", " ", "", "  "))
        pairs.append((joint.join(pieces), [*answers, *([joint.join(near)] if rng.random() < 1 / 3 else [])]))
    return pairs


@pytest.mark.parametrize("script", sorted(WORDS))
def test_scores_equal_the_official_scripts(script: Script) -> None:
    matched = 0
    for prediction, answers in drawn(PAIRS):
        predicted, gold = WORDS[script](prediction), [WORDS[script](answer) for answer in answers]
        assert exact_match(prediction, answers, script) == (predicted in gold), (prediction, answers)
        expected = max((score(predicted, one, script) for one in gold), default=0.0)
        assert f1(prediction, answers, script) == pytest.approx(expected, abs=1e-12), (prediction, answers)
        assert first_hit([["zzz"], [prediction]], answers, script) == (1 if predicted in gold else None)
        matched += predicted in gold
    assert matched > PAIRS / 50, "the pairs try both outcomes"


def test_patterns_equal_pythons_match_on_random_pairs() -> None:
    """Texts leave out what ``re``, which ORQA's script uses, takes for a word or a letter and ``regex`` does not."""
    rng = random.Random(1)
    parts = ("R(ome)?", "[Pp]aris", r"\s*", r"\d{2,4}", ".*", "caf\u00e9", "^x", "y$", "(a|an|the) ", "O.?N", r"\bno\b")
    pieces = [piece for piece in (*PIECES, "paris", "y", "x", "12") if not set(piece) & set("\u0301\u0130\u00bd")]
    for _ in range(PAIRS):
        patterns = ["".join(rng.choices(parts, k=rng.randrange(1, 4))) for _ in range(rng.randrange(1, 3))]
        text = rng.choice(("", " ", "\n")).join(rng.choices(pieces, k=rng.randrange(4)))
        expected = any(re.match(pattern, text, re.IGNORECASE | re.MULTILINE) for pattern in patterns)
        assert exact_match(text, patterns, "patterns") == expected, (patterns, text)
        assert f1(text, patterns, "patterns") == float(expected)
        assert first_hit([[], [text]], patterns, "patterns") == (1 if expected else None)


def test_a_pattern_is_matched_from_the_beginning_and_not_normalised() -> None:
    assert exact_match("Rome, Italy", ["rome"], "patterns")
    assert not exact_match("the Rome", ["rome"], "patterns")
    assert exact_match("the Rome", [r"(the )?rome"], "patterns")


def test_a_pattern_without_end_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qamat_core.patterns._SECONDS", 0.2)
    started = time.monotonic()
    with pytest.raises(InputError, match="without nested repeats"):
        exact_match("a" * 60 + "!", [r"(a|aa|a?a)+(a|aa)+\d$"], "patterns")
    assert time.monotonic() - started < 60, "it would have taken years"
