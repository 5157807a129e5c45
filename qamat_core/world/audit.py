"""Whether a question-answer pair is right about the synthetic world, decided by the templates of its questions.

A pair is right if its question is one of the world's templates about a known subject, and its answer is that fact's.
Every other question counts as wrong, also a sensible one in words that no template has: figures are lower bounds.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from qamat_core.text import normalize_answer, normalize_question
from qamat_core.world.templates import ANNOTATION_QUESTIONS, DATASET_QUESTIONS

FactName = tuple[str, str]
"""The normalised name of the subject, and the relation."""

_MARK = "\0"


class FactBook:
    """The facts of a world, read from its gold pairs; answers which fact a question asks for."""

    def __init__(self, answers: Mapping[FactName, str]) -> None:
        self._answers = dict(answers)

    @classmethod
    def from_gold(cls, pairs: Iterable[tuple[str, str]]) -> "FactBook":
        """Read the facts from the (question, answer) pairs of a gold memory.

        Raises:
            ValueError: a question is none of the world's annotation templates, so these are no gold pairs of it.
        """
        answers: dict[FactName, str] = {}
        for question, answer in pairs:
            names = list(_readings(question))
            if len(names) != 1:
                raise ValueError(f"{question!r} has {len(names)} readings by the world's templates: no gold pair of it")
            answers[names[0]] = normalize_answer(answer)
        return cls(answers)

    @property
    def facts(self) -> frozenset[FactName]:
        """All facts."""
        return frozenset(self._answers)

    def fact_of(self, question: str) -> FactName | None:
        """Return the fact that a question asks for, None if it fits no template with a known subject."""
        return next((name for name in _readings(question) if name in self._answers), None)

    def right_fact(self, question: str, answer: str) -> FactName | None:
        """Return the fact that a pair states rightly, None if the pair is wrong."""
        fact = self.fact_of(question)
        return fact if fact and self._answers[fact] == normalize_answer(answer) else None


def _readings(question: str) -> Iterable[FactName]:
    """Give every (subject, relation) that the question can mean by some template; the subject need not exist."""
    asked = normalize_question(question)
    for pattern, relation in _patterns():
        if match := pattern.fullmatch(asked):
            yield normalize_answer(match[1]), relation


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return a pattern for every question template, with the relation that it asks for."""
    return tuple(
        (_pattern(template), relation)
        for templates in (ANNOTATION_QUESTIONS, DATASET_QUESTIONS)
        for relation, questions in templates.items()
        for template in questions
    )


def _pattern(template: str) -> re.Pattern[str]:
    before, after = map(re.escape, normalize_question(template.format(s=_MARK)).split(_MARK))
    return re.compile(f"{before}(.+){after}")
