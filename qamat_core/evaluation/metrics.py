"""Exact match, F1 and recall@K, as the field's scripts define them; the best over the gold answers counts.

Normalisation is ORQA's: NFD, then lower case, no punctuation, no articles, squeezed white space. F1 counts tokens of
that form as SQuAD's script does (2.0's: two answers without tokens agree, one without tokens never does). HotpotQA's
script adds a rule: where one side is yes, no or noanswer and they differ, F1 is 0; MuSiQue has no such rule.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from qamat_core.text import normalize_answer

F1Rule = Literal["squad", "hotpotqa"]

_CLOSED_ANSWERS = frozenset({"yes", "no", "noanswer"})


def exact_match(prediction: str, answers: Iterable[str]) -> bool:
    """Tell whether the prediction equals one of the answers after normalisation; never true without answers."""
    predicted = normalize_answer(prediction)
    return any(normalize_answer(answer) == predicted for answer in answers)


def f1(prediction: str, answers: Iterable[str], rule: F1Rule = "squad") -> float:
    """Return the highest token F1 (0 to 1) between the prediction and one of the answers; 0 without answers."""
    predicted = normalize_answer(prediction)
    return max((_f1(predicted, normalize_answer(answer), rule) for answer in answers), default=0.0)


def f1_rule(dataset: str) -> F1Rule:
    """Return the rule of a data set's own script."""
    return "hotpotqa" if dataset == "hotpotqa" else "squad"


def first_hit(retrieved_answers: Sequence[Sequence[str]], answers: Sequence[str]) -> int | None:
    """Return the 0-based rank of the first entry one of whose answers is an exact match, None if there is none.

    Args:
        retrieved_answers: for each retrieved entry, best first, its answer and aliases.
        answers: the gold answers.
    """
    wanted = {normalize_answer(answer) for answer in answers}
    for rank, entry in enumerate(retrieved_answers):
        if any(normalize_answer(answer) in wanted for answer in entry):
            return rank
    return None


def recall_at(first_hits: Sequence[int | None], k: int) -> npt.NDArray[np.float64]:
    """Return, for each question, 1 if a hit stands among its first ``k`` entries, else 0; shape [questions]."""
    return np.array([hit is not None and hit < k for hit in first_hits], dtype=np.float64)


def _f1(predicted: str, gold: str, rule: F1Rule) -> float:
    if rule == "hotpotqa" and predicted != gold and _CLOSED_ANSWERS & {predicted, gold}:
        return 0.0
    predicted_tokens, gold_tokens = predicted.split(), gold.split()
    if not predicted_tokens or not gold_tokens:
        return float(predicted_tokens == gold_tokens)
    same = (Counter(predicted_tokens) & Counter(gold_tokens)).total()
    return 2 * same / (len(predicted_tokens) + len(gold_tokens))
