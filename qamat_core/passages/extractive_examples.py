"""What the extractive reader reads, as arrays: FiD's inputs, where a span may begin, where answers stand."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32

from qamat_core.fid.examples import question_pieces
from qamat_core.passages.occurrences import Span, occurrences
from qamat_core.tokenizer import Tokenizer, pad_rows
from schemas.datasets import Script
from schemas.fid import Reading
from schemas.model import EOS_ID
from schemas.records import Passage


class SpanInputs(NamedTuple):
    """B questions, each with N passages."""

    tokens: Int32[np.ndarray, "B N L"]
    """``question: ... title: ... context: ...``, with the end token; padding where there is no passage."""
    begins: Int32[np.ndarray, "B N"]
    """The first piece of the context; L where there is no passage."""


def span_inputs(
    questions: Sequence[str], passages: Sequence[Sequence[Passage]], tokenizer: Tokenizer, reading: Reading
) -> SpanInputs:
    """Return the tokens of each question with each of its passages, best first; see ``fid.examples.passage_inputs``."""
    shape = len(questions), reading.passages
    tokens = np.zeros((*shape, reading.passage_length), np.int32)
    begins = np.full(shape, reading.passage_length, np.int32)
    for rows, firsts, question, found in zip(tokens, begins, questions, passages, strict=True):
        for number, passage in enumerate(found[: reading.passages]):
            asked = question_pieces(question, number, tokenizer, reading)
            head, text = _texts(passage)
            pieces = [*asked, *tokenizer.encode(text)][: reading.passage_length - 1]
            rows[number] = pad_rows([[*pieces, EOS_ID]], reading.passage_length)[0]
            before = sum(end <= len(head) for _, end in tokenizer.offsets(text))
            firsts[number] = min(len(asked) + before, reading.passage_length)
    return SpanInputs(tokens, begins)


def answer_spans(
    question: str,
    passages: Sequence[Passage],
    answers: Sequence[str],
    script: Script,
    tokenizer: Tokenizer,
    reading: Reading,
    span_length: int,
) -> list[tuple[int, int, int]]:
    """Return where the answers stand in the inputs of a question: passage, first piece, last piece.

    What was cut off, or is longer than ``span_length`` pieces, is left out.
    """
    asked = len(question_pieces(question, 0, tokenizer, reading))
    found: list[tuple[int, int, int]] = []
    for number, passage in enumerate(passages[: reading.passages]):
        inside = occurrences(passage.text, answers, script)
        if not inside:
            continue
        head, text = _texts(passage)
        places = tokenizer.offsets(text)
        for span in inside:
            touched = _pieces(places, (span[0] + len(head), span[1] + len(head)))
            if touched and len(touched) <= span_length and asked + touched[-1] < reading.passage_length - 1:
                found.append((number, asked + touched[0], asked + touched[-1]))
    return found


def span_text(question: str, passage: Passage, first: int, last: int, tokenizer: Tokenizer, reading: Reading) -> str:
    """Return the text of a span, as it stands in the passage."""
    asked = len(question_pieces(question, 0, tokenizer, reading))
    _, text = _texts(passage)
    places = tokenizer.offsets(text)
    return text[places[first - asked][0] : places[last - asked][1]].strip()


def _texts(passage: Passage) -> tuple[str, str]:
    """Return what stands before the context, and all of it."""
    head = f"title: {passage.title} context: "
    return head, head + passage.text


def _pieces(places: Sequence[Span], span: Span) -> list[int]:
    """Return the pieces that some of the characters are of."""
    return [number for number, (begin, end) in enumerate(places) if begin < span[1] and end > span[0]]
