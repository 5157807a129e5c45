"""The keys under which pairs meet, column by column, and a hash of them that is the same everywhere.

In: columns of ``qa_pairs``. Out: a key a row; rows of unlike keys are no duplicates of each other.
"""

import numpy as np
import polars as pl
import pyarrow as pa
from jaxtyping import Int64, UInt64

from qamat_core.text import normalize_answer, normalize_question

_OTHER_SPACES = "|".join("\t\n\v\f\r\x1c\x1d\x1e\x1f")
_CAPITAL_OR_DIGIT = r"[\p{Lu}\p{N}]"
_NAME = r"\w*[\p{Lu}\p{N}]\w*"
_FIRST_WORD = r"^\W*\w+"
_SEPARATOR = "\x1f"
_WORD_BYTES = 8
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def question_keys(pairs: pl.DataFrame) -> pl.Series:
    """Return the normalised question (``normalize_question``) of each pair.

    Whole columns are done at once, but for what is not ASCII or has white space other than single spaces.
    """
    questions = pairs["question"]
    keys = questions.str.to_lowercase().str.strip_chars_start(" ").str.strip_chars_end(" ?.!")
    other = questions.str.len_bytes() != questions.str.len_chars()
    spaces = questions.str.contains("  ", literal=True) | questions.str.contains(_OTHER_SPACES)
    rows = (other | spaces).arg_true()
    if len(rows):
        keys = keys.scatter(rows, [normalize_question(question) for question in questions.gather(rows)])
    return keys.alias("key")


def near_keys(pairs: pl.DataFrame) -> pl.Series:
    """Return what near-duplicates must have in common: the normalised answer, and the question's names and numbers.

    'Which country is Lyon in?' and 'Which country is Nice in?' have one answer and are no duplicates: words with a
    capital or a digit, but for the first word, must be the same. Where nothing is capitalised, only the answer and
    the threshold tell entities apart.
    """
    answers = pairs["answer"].unique()
    normal = pl.DataFrame({"answer": answers, "key": pl.Series(map(normalize_answer, answers), dtype=pl.String)})
    joined = pairs.select("answer", names=_names(pairs["question"])).join(normal, on="answer", maintain_order="left")
    return joined.select(key=pl.concat_str("key", "names", separator=_SEPARATOR))["key"]


def _names(questions: pl.Series) -> pl.Series:
    """Return the distinct words with a capital or a digit after the first word, sorted, in one text."""
    later = questions.str.replace(_FIRST_WORD, "")
    rows = later.str.contains(_CAPITAL_OR_DIGIT).arg_true()
    names = later.gather(rows).str.extract_all(_NAME).list.unique().list.sort().list.join(" ")
    return pl.repeat("", len(questions), eager=True).scatter(rows, names)


def stable_hashes(texts: pl.Series) -> UInt64[np.ndarray, " N"]:
    """Return 64 bits for each text, the same on any machine and under any version of any library.

    The UTF-8 bytes are taken as little-endian words of 8, the last one filled up with zeros. From ``mix(bytes)`` on,
    each word is folded in by ``hash = (hash ^ word) * 0x9E3779B97F4A7C15; hash ^= hash >> 32``.
    """
    data, ends = _utf8(texts)
    starts, sizes = ends[:-1], np.diff(ends)
    words = np.ndarray((len(data) - _WORD_BYTES + 1,), "<u8", data, strides=(1,))
    hashes = mix(sizes.astype(np.uint64))
    rows = np.arange(len(sizes))
    for first in range(0, int(sizes.max(initial=0)), _WORD_BYTES):
        rows = rows[sizes[rows] >= first + _WORD_BYTES]
        _fold(hashes, rows, words[starts[rows] + first])
    rest = sizes % _WORD_BYTES
    rows = np.flatnonzero(rest)
    masks = (np.uint64(1) << (rest[rows] * 8).astype(np.uint64)) - np.uint64(1)
    _fold(hashes, rows, words[ends[1:][rows] - rest[rows]] & masks)
    return hashes


def _fold(hashes: UInt64[np.ndarray, " N"], rows: Int64[np.ndarray, " R"], words: UInt64[np.ndarray, " R"]) -> None:
    words ^= hashes[rows]
    words *= _FACTOR
    words ^= words >> np.uint64(32)
    hashes[rows] = words


def mix(values: UInt64[np.ndarray, " N"]) -> UInt64[np.ndarray, " N"]:
    """Scatter 64-bit integers one to one over all 64-bit integers (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _utf8(texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the bytes of all texts, then at least 8 more, and where each text ends, beginning with its start."""
    array = texts.rechunk().to_arrow().cast(pa.large_string())
    _, offsets, data = array.buffers()
    ends = (
        np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
        if len(array)
        else np.zeros(1, np.int64)
    )
    filled = np.zeros(ends[-1] + _WORD_BYTES, np.uint8)
    filled[: ends[-1]] = np.frombuffer(data, np.uint8)[: ends[-1]] if data else 0
    return filled, ends
