"""What the training tasks of QAMAT learn from, packed in their work directory: masked passages, questions."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from jaxtyping import Int

from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.examples import QueryExamples, pretraining_examples, with_questions, without_own
from qamat_core.qamat.packing import PackedExamples, pack_examples
from qamat_core.store.shards import read_shard
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.errors import TrainingError
from tasks.qamat_stage import OpenCheckpoint


def open_passages(store: Store, examples: ArtifactRef) -> list[Path]:
    """Return the verified shards of a ``pretrain_examples`` table that have rows.

    Raises:
        TrainingError: none has.
        CorruptArtifactError: one is damaged.
    """
    shards = [shard for shard in store.open_shards(examples) if pq.read_metadata(shard).num_rows]
    if not shards:
        raise TrainingError(
            f"{examples} holds no example: the memory holds no pair of the passages; regenerate the corpus"
        )
    return shards


def pack_passages(
    shards: Sequence[Path],
    entries: MemoryEntries,
    start: OpenCheckpoint,
    work: Path,
    *,
    example_share: float = 1.0,
    question_share: float,
    ban_own: bool = False,
    seed: int,
) -> PackedExamples:
    """Pack a share of the masked passages, ``question_share`` of all with their pair's question in the passage's place.

    With ``ban_own`` none may retrieve the entries that it was made of.
    """

    def tokenise(shard: Path, rows: Int[np.ndarray, " R"]) -> QueryExamples:
        masked = read_shard(shard).take(rows)
        examples = pretraining_examples(masked, entries, start.tokenizer, start.reader.config)
        examples = with_questions(examples, entries, start.reader.first_sentinel, question_share)
        return without_own(examples, entries) if ban_own else examples

    chosen = draw_rows(shards, example_share, seed)
    parts = [partial(tokenise, shard, rows) for shard, rows in chosen]
    count = sum(len(rows) for _, rows in chosen)
    return pack_examples(parts, round(count / (1 - question_share)), work / "examples", seed)


def draw_rows(shards: Sequence[Path], share: float, seed: int) -> list[tuple[Path, Int[np.ndarray, " R"]]]:
    """Draw a share of all rows, one at least; return the shards that have some of them, with their rows, in order."""
    counts = [pq.read_metadata(shard).num_rows for shard in shards]
    ends = np.cumsum(counts)
    drawn = np.random.default_rng(seed).permutation(ends[-1])[: max(1, round(share * ends[-1]))]
    of_shards = np.split(np.sort(drawn), np.searchsorted(np.sort(drawn), ends[:-1]))
    return [
        (shard, rows - (end - count))
        for shard, rows, end, count in zip(shards, of_shards, ends, counts, strict=True)
        if len(rows)
    ]
