"""What FiD reads and writes, as arrays: each passage with the question in front, and answers."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32

from qamat_core.tokenizer import Tokenizer, pad_rows
from schemas.fid import SENTINELS, Reading
from schemas.model import EOS_ID
from schemas.records import Passage


def passage_inputs(
    questions: Sequence[str], passages: Sequence[Sequence[Passage]], tokenizer: Tokenizer, config: Reading
) -> Int32[np.ndarray, "E N L"]:
    """Return the tokens of ``question: ... title: ... context: ...`` for each question and each of its passages.

    Args:
        questions: one that is longer than ``question_length`` is cut there.
        passages: of each question, best first: those behind the first N are left out, missing ones are padding. A
            question without any is read alone.
        tokenizer: of the model.
        config: N passages of L pieces, cut there; the last piece is the end token.
    """
    inputs = np.zeros((len(questions), config.passages, config.passage_length), np.int32)
    for rows, question, found in zip(inputs, questions, passages, strict=True):
        texts = [f"title: {passage.title} context: {passage.text}" for passage in found[: config.passages]] or [""]
        pieces = [
            [*question_pieces(question, rank, tokenizer, config), *tokenizer.encode(text)][: config.passage_length - 1]
            for rank, text in enumerate(texts)
        ]
        rows[: len(texts)] = pad_rows([[*row, EOS_ID] for row in pieces], config.passage_length)
    return inputs


def question_pieces(question: str, rank: int, tokenizer: Tokenizer, config: Reading) -> list[int]:
    """Return what stands in front of the passage of a rank, counted from 0: its mark, if marks are written, and
    ``question: ...``.
    """
    mark = [tokenizer.sentinel(SENTINELS - 1 - rank)] if config.rank_marks else []
    return mark + tokenizer.encode(f"question: {question}")[: config.question_length]


def answer_targets(answers: Sequence[str], tokenizer: Tokenizer, config: Reading) -> Int32[np.ndarray, "E T"]:
    """Return the tokens of one answer of each question, with the end token."""
    return tokenizer.encode_table(answers, config.target_length, eos=True)
