"""What FiD reads and writes, as arrays: each passage with the question in front, and answers."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32

from qamat_core.tokenizer import Tokenizer, pad_rows
from schemas.fid import Reading
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
        asked = tokenizer.encode(f"question: {question}")[: config.question_length]
        texts = [f"title: {passage.title} context: {passage.text}" for passage in found[: config.passages]] or [""]
        pieces = [[*asked, *tokenizer.encode(text)][: config.passage_length - 1] for text in texts]
        rows[: len(texts)] = pad_rows([[*row, EOS_ID] for row in pieces], config.passage_length)
    return inputs


def answer_targets(answers: Sequence[str], tokenizer: Tokenizer, config: Reading) -> Int32[np.ndarray, "E T"]:
    """Return the tokens of one answer of each question, with the end token."""
    return tokenizer.encode_table(answers, config.target_length, eos=True)
