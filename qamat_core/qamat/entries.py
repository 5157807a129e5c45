"""Memory entries as tokens: a key is [CLS] question, a value [CLS] answer question (section 5.1; ``value_order``)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa
from jaxtyping import Int32

from qamat_core.columns import Column
from qamat_core.memory_columns import RowsOfPassages
from qamat_core.text import normalize_question
from qamat_core.tokenizer import CLS, Tokenizer
from schemas.qamat import QamatConfig


@dataclass(frozen=True)
class MemoryEntries:
    """M entries of a memory: their rows of ``qa_pairs``, and the tokens of their keys and values."""

    pairs: pa.Table
    key_tokens: Int32[np.ndarray, "M key_length"]
    value_tokens: Int32[np.ndarray, "M value_length"]

    @classmethod
    def of(cls, pairs: pa.Table, tokenizer: Tokenizer, config: QamatConfig) -> Self:
        """Tokenise a ``qa_pairs`` table, in its order."""
        questions, answers = (pairs.column(name).to_pylist() for name in ("question", "answer"))
        keys = [f"{CLS} {question}" for question in questions]
        answer_first = config.value_order == "answer-question"
        parts = zip(answers, questions, strict=True) if answer_first else zip(questions, answers, strict=True)
        values = [f"{CLS} {first} {then}" for first, then in parts]
        return cls(
            pairs,
            tokenizer.encode_table(keys, config.key_length),
            tokenizer.encode_table(values, config.value_length),
        )

    def __len__(self) -> int:
        return self.pairs.num_rows

    @cached_property
    def ids(self) -> Sequence[str]:
        """The entries' ids, by row."""
        return self.pairs.column("qa_id").to_pylist()

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Entry id -> row."""
        return {qa_id: row for row, qa_id in enumerate(self.ids)}

    @cached_property
    def asking(self) -> Mapping[str, Sequence[int]]:
        """Normalised question -> the rows of the entries that ask it."""
        rows: dict[str, list[int]] = {}
        for row, question in enumerate(self.pairs.column("question").to_pylist()):
            rows.setdefault(normalize_question(question), []).append(row)
        return rows

    def beside(self, row: int) -> Sequence[int]:
        """Return the rows of all entries made of the same passage, ascending; none for a row below 0 (unknown)."""
        passage = self._passages[int(row)] if row >= 0 else None
        return [] if passage is None else self._of_passage.get(passage)

    @cached_property
    def _passages(self) -> Column:
        return Column(self.pairs.column("passage_id"))

    @cached_property
    def _of_passage(self) -> RowsOfPassages:
        return RowsOfPassages(self._passages)
