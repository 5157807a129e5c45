"""Training examples as arrays: inputs with their masks, targets, and the memory rows known to be right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import pyarrow as pa
from jaxtyping import Int, Int32

from qamat_core.columns import Column
from qamat_core.qamat.entries import MemoryEntries
from qamat_core.text import normalize_question
from qamat_core.tokenizer import MASK, Tokenizer, fit_rows
from schemas.model import PAD_ID
from schemas.qamat import QamatConfig

UNKNOWN = -1
"""Row of an entry that is not known."""
EMPTY: Final = {"inputs": PAD_ID, "targets": PAD_ID}
"""What pads a column of examples; ``UNKNOWN`` pads the others."""
OWN: Final = "own"
"""Tier of a question that is its entry's own: it may retrieve the entry."""


@dataclass(frozen=True)
class QueryExamples:
    """E examples: tokens, and rows of a memory (-1: unknown)."""

    inputs: Int32[np.ndarray, "E L"]
    targets: Int32[np.ndarray, "E T"]
    positives: Int32[np.ndarray, "E S"]
    """The right entry of each mask; of the last hop for a two-hop question."""
    first: Int32[np.ndarray, "E 1"]
    """The right entry of the first hop."""
    negatives: Int32[np.ndarray, "E N"]
    """Hard negatives, hardest first."""
    banned: Int32[np.ndarray, "E R"]
    """Entries that an input must not retrieve (``ban_own_entries``)."""

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Int[np.ndarray, " R"]) -> Self:
        """Return the examples of these rows."""
        return type(self)(**{name: column[rows] for name, column in vars(self).items()})


def pretraining_examples(
    table: pa.Table, entries: MemoryEntries, tokenizer: Tokenizer, config: QamatConfig
) -> QueryExamples:
    """Build examples of a ``pretrain_examples`` table.

    A passage that is longer than ``passage_length`` is cut to a window around its first mask; a span whose mask
    falls outside the window leaves targets and positives. The table has at least one row.
    """
    rows = [_masked_passage(row, entries, tokenizer, config) for row in table.to_pylist()]
    masks = max(len(positives) for _, _, positives, _ in rows)
    return QueryExamples(
        fit_rows([inputs for inputs, *_ in rows], config.passage_length),
        tokenizer.encode_table([target for _, target, _, _ in rows], config.target_length, eos=True),
        _pad([positives for _, _, positives, _ in rows], masks),
        np.full((len(rows), 1), UNKNOWN, np.int32),
        _pad([negatives for *_, negatives in rows], max(1, *(len(negatives) for *_, negatives in rows))),
        np.full((len(rows), 1), UNKNOWN, np.int32),
    )


def without_own(examples: QueryExamples, entries: MemoryEntries) -> QueryExamples:
    """Ban the entries that examples were made of, and all that ask the same questions; none of theirs is known then."""
    texts = Column(entries.pairs.column("question"))
    own = [[texts[row] for row in line if row >= 0] for line in examples.positives.tolist()]
    return replace(examples, positives=np.full_like(examples.positives, UNKNOWN), banned=_asking(own, entries))


def with_questions(examples: QueryExamples, entries: MemoryEntries, mask: int, share: float) -> QueryExamples:
    """Add examples, ``share`` of all then, whose input is ``[MASK] question`` of their first pair.

    They are spread evenly over the examples whose pair is known and that have one mask. ``mask`` is the id of
    ``<extra_id_0>``.
    """
    one_mask = ~(examples.inputs == mask - 1).any(axis=1)
    known = np.flatnonzero(one_mask & (examples.positives[:, 0] >= 0))
    count = min(len(known), _beside(examples, share))
    chosen = known[np.linspace(0, len(known), count, endpoint=False).astype(int)]
    asked = entries.key_tokens[examples.positives[chosen, 0]].astype(np.int32)
    asked[:, 0] = mask
    return joined(examples, replace(examples.take(chosen), inputs=asked))


def with_share(examples: QueryExamples, more: QueryExamples, share: float, seed: int) -> QueryExamples:
    """Add examples of ``more``, ``share`` of all then: drawn by ``seed``, repeated where there are too few."""
    rows = np.random.default_rng(seed).permutation(len(more))
    return joined(examples, more.take(np.resize(rows, _beside(examples, share))))


def joined(*parts: QueryExamples) -> QueryExamples:
    """Return all of them, padded to the same widths."""
    return QueryExamples(
        **{name: _stack([getattr(part, name) for part in parts], EMPTY.get(name, UNKNOWN)) for name in vars(parts[0])}
    )


def question_examples(
    table: pa.Table,
    mined: pa.Table,
    entries: MemoryEntries,
    tokenizer: Tokenizer,
    config: QamatConfig,
    *,
    ban_own: bool = True,
) -> QueryExamples:
    """Build fine-tuning examples, [MASK] question, of a ``qa_examples`` table.

    ``mined`` is the ``multihop_examples`` table of the same questions: their final and first-hop entries. With
    ``ban_own``, entries with the words of the question itself are banned, but for a question that is made of them (tier
    "own"); a mined entry that is banned counts as unknown. The table has at least one row.
    """
    found = {row["example_id"]: row for row in reversed(mined.to_pylist())}
    ids = table.column("example_id").to_pylist()
    questions = table.column("question").to_pylist()
    answers = [answers[0] for answers in table.column("answers").to_pylist()]
    banned = _asking([[question] if ban_own else [] for question in questions], entries)
    banned[[found.get(key, {}).get("tier") == OWN for key in ids]] = UNKNOWN
    return QueryExamples(
        question_inputs(questions, tokenizer, config),
        tokenizer.encode_table([f"{MASK} {answer}" for answer in answers], config.target_length, eos=True),
        _mined([found.get(key, {}).get("final_qa_id") for key in ids], entries.row_of, banned),
        _mined([found.get(key, {}).get("first_qa_id") for key in ids], entries.row_of, banned),
        np.full((len(ids), 1), UNKNOWN, np.int32),
        banned,
    )


def question_inputs(questions: Sequence[str], tokenizer: Tokenizer, config: QamatConfig) -> Int32[np.ndarray, "E L"]:
    """Return the tokens of ``[MASK] question`` (paper section 4.2)."""
    return tokenizer.encode_table([f"{MASK} {question}" for question in questions], config.question_length)


def passage_inputs(masked: str, tokenizer: Tokenizer, config: QamatConfig) -> Int32[np.ndarray, " L"]:
    """Return the tokens of a passage with masks; one that is too long is cut to a window around its first mask."""
    ids = np.asarray(tokenizer.encode(masked), np.int32)
    length = config.passage_length
    mask = int(np.argmax(ids == tokenizer.sentinel(0)))
    start = min(max(0, mask - length // 2), max(0, len(ids) - length))
    return ids[start : start + length]


def _masked_passage(
    row: Mapping[str, list[str]], entries: MemoryEntries, tokenizer: Tokenizer, config: QamatConfig
) -> tuple[np.ndarray, str, list[int], list[int]]:
    inputs = passage_inputs(str(row["masked_text"]), tokenizer, config)
    inside = [number for number in range(len(row["targets"])) if tokenizer.sentinel(number) in inputs]
    target = " ".join(f"<extra_id_{number}> {row['targets'][number]}" for number in inside)
    positives = [entries.row_of.get(row["positive_ids"][number], UNKNOWN) for number in inside]
    negatives = [entries.row_of[qa_id] for qa_id in row["negative_ids"] if qa_id in entries.row_of]
    return inputs, target, positives, negatives


def _asking(questions: Sequence[Sequence[str]], entries: MemoryEntries) -> Int32[np.ndarray, "E R"]:
    """Return the entries that ask, once normalised, one of an example's questions."""
    rows = [[row for text in own for row in entries.asking.get(normalize_question(text), [])] for own in questions]
    return _pad(rows, max(1, *(len(row) for row in rows)))


def _mined(
    ids: Sequence[str | None], row_of: Mapping[str, int], banned: Int32[np.ndarray, "E R"]
) -> Int32[np.ndarray, "E 1"]:
    rows = np.asarray([[row_of.get(qa_id or "", UNKNOWN)] for qa_id in ids], np.int32)
    return np.where((rows == banned).any(axis=1, keepdims=True), UNKNOWN, rows)


def _beside(examples: QueryExamples, share: float) -> int:
    """Return how many examples have to be added to make up ``share`` of all."""
    return round(len(examples) * share / (1 - share))


def _stack(parts: Sequence[np.ndarray], empty: int) -> np.ndarray:
    width = max(part.shape[1] for part in parts)
    return np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=empty) for part in parts])


def _pad(rows: Sequence[Sequence[int]], width: int) -> Int32[np.ndarray, "E W"]:
    padded = np.full((len(rows), width), UNKNOWN, np.int32)
    for line, row in zip(padded, rows, strict=True):
        line[: len(row)] = row
    return padded
