"""Pre-training examples of a memory without passages: a pair's question asks for other pairs that have its answer.

``[MASK] question`` stands where the masked passage does elsewhere. The positives are pairs with the same answer among
those that BM25 finds near the question, the hard negatives those with another. A question that no near pair answers
gives no example.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qamat_core.bm25 import Engine
from qamat_core.masking import sentinel
from qamat_core.memory_columns import MemoryColumns
from qamat_core.text import normalize_question
from schemas.human import QuestionExamplesConfig
from schemas.tables import stable_id


@dataclass(frozen=True, slots=True)
class QuestionExample:
    """One example; ``positive`` and ``negatives`` are rows of the memory."""

    example_id: str
    masked_text: str
    target: str
    positive: int
    negatives: tuple[int, ...]


class QuestionExamples:
    """Makes the examples of a memory's pairs."""

    def __init__(self, memory: MemoryColumns, engine: Engine, config: QuestionExamplesConfig) -> None:
        """Take a memory and the index of its questions, row by row."""
        self._memory, self._engine, self._config = memory, engine, config
        self._asked = [normalize_question(question) for question in memory.questions]
        self._answers = [memory.answers_of(row) for row in range(len(memory))]

    def make(self, rows: Sequence[int]) -> list[list[QuestionExample]]:
        """Return the examples of each row; a question that no near pair answers gives none."""
        questions = [self._memory.questions[row] for row in rows]
        found = self._engine.batch_search(questions, self._config.neighbours + 1)
        return [list(self._of(row, [hit.row for hit in hits])) for row, hits in zip(rows, found, strict=True)]

    def _of(self, row: int, near: Sequence[int]) -> Iterator[QuestionExample]:
        memory, answers = self._memory, self._answers[row]
        others = [other for other in near if self._asked[other] != self._asked[row]]
        right = [other for other in others if memory.normalized[other] in answers]
        wrong = [other for other in others if answers.isdisjoint(self._answers[other])]
        negatives = tuple(wrong[: self._config.negatives_per_example])
        for other in right[: self._config.positives_per_pair]:
            yield self._example(row, other, negatives)

    def _example(self, row: int, positive: int, negatives: tuple[int, ...]) -> QuestionExample:
        memory = self._memory
        example_id, asked = stable_id(memory.ids[row], memory.ids[positive]), f"{sentinel(0)} {memory.questions[row]}"
        return QuestionExample(example_id, asked, memory.answers[positive], positive, negatives)
