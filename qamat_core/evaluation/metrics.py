"""Exact match, F1 and recall@K, as the field's scripts define them; the best over the gold answers counts.

Which script counts is the data set's (``schemas.datasets``):

- ``orqa`` (NQ-open, WebQuestions and what has no script): NFD, then lower case, no punctuation, no articles, squeezed
  white space. ORQA has no F1; that of SQuAD 2.0 is taken.
- ``triviaqa``: punctuation, curly quotes and the acute accent with it, becomes spaces instead; no NFD.
- ``squad`` (1.1's), ``hotpotqa``, ``musique``: as ORQA, without NFD.
- ``patterns`` (CuratedTREC): an answer is a regular expression that the prediction begins with, as ORQA's and DPR's
  scripts match it (``qamat_core.patterns``; not normalised). They have no F1; here it is 1 or 0.

F1 counts shared tokens. Of two answers without tokens SQuAD 2.0's and MuSiQue's scripts say that they agree, the others
that they do not. HotpotQA's adds a rule: where one side is yes, no or noanswer and they differ, F1 is 0.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from qamat_core.patterns import matches
from qamat_core.text import normalize_answer, normalize_squad, normalize_triviaqa
from schemas.datasets import Script

_CLOSED_ANSWERS: Final = frozenset({"yes", "no", "noanswer"})
_NOTHING_AGREES: Final = frozenset[Script]({"orqa", "musique"})
"""Whose F1 is 1 where both sides have no tokens."""
_NORMAL: Final[Mapping[Script, Callable[[str], str]]] = {
    "orqa": normalize_answer,
    "triviaqa": normalize_triviaqa,
    "squad": normalize_squad,
    "hotpotqa": normalize_squad,
    "musique": normalize_squad,
    "patterns": str,
}


def normal_form(answer: str, script: Script) -> str:
    """Return the form in which a script compares answers; a pattern stands for itself."""
    return _NORMAL[script](answer)


def exact_match(prediction: str, answers: Iterable[str], script: Script = "orqa") -> bool:
    """Tell whether the prediction is one of the answers; never true without answers.

    Raises ``InputError`` for a pattern that cannot be matched in reasonable time.
    """
    return _accepting(answers, script)(prediction)


def f1(prediction: str, answers: Iterable[str], script: Script = "orqa") -> float:
    """Return the highest token F1 (0 to 1) between the prediction and one of the answers; 0 without answers."""
    if script == "patterns":
        return float(exact_match(prediction, answers, script))
    predicted = normal_form(prediction, script)
    return max((_f1(predicted, normal_form(answer, script), script) for answer in answers), default=0.0)


def first_hit(
    retrieved_answers: Sequence[Sequence[str]], answers: Sequence[str], script: Script = "orqa"
) -> int | None:
    """Return the 0-based rank of the first entry one of whose answers is an exact match, None if there is none.

    Args:
        retrieved_answers: for each retrieved entry, best first, its answer and aliases.
        answers: the gold answers.
        script: whose exact match counts.
    """
    right = _accepting(answers, script)
    return next((rank for rank, entry in enumerate(retrieved_answers) if any(map(right, entry))), None)


def recall_at(first_hits: Sequence[int | None], k: int) -> npt.NDArray[np.float64]:
    """Return, for each question, 1 if a hit stands among its first ``k`` entries, else 0; shape [questions]."""
    return np.array([hit is not None and hit < k for hit in first_hits], dtype=np.float64)


def _accepting(answers: Iterable[str], script: Script) -> Callable[[str], bool]:
    """Return what tells whether a text is one of the answers."""
    if script == "patterns":
        patterns = tuple(answers)
        return lambda text: any(matches(pattern, text) for pattern in patterns)
    wanted = {normal_form(answer, script) for answer in answers}
    return lambda text: normal_form(text, script) in wanted


def _f1(predicted: str, gold: str, script: Script) -> float:
    if script == "hotpotqa" and predicted != gold and _CLOSED_ANSWERS & {predicted, gold}:
        return 0.0
    predicted_tokens, gold_tokens = predicted.split(), gold.split()
    if not predicted_tokens or not gold_tokens:
        return float(script in _NOTHING_AGREES and predicted_tokens == gold_tokens)
    same = (Counter(predicted_tokens) & Counter(gold_tokens)).total()
    return 2 * same / (len(predicted_tokens) + len(gold_tokens))
