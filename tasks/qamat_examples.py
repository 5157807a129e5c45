"""What the training tasks of QAMAT learn from, packed in their work directory: masked passages, questions."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

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
    question_share: float,
    ban_own: bool = False,
    seed: int,
) -> PackedExamples:
    """Pack masked passages, ``question_share`` of them with their pair's question in the passage's place.

    With ``ban_own`` none may retrieve the entries that it was made of.
    """

    def tokenise(shard: Path) -> QueryExamples:
        examples = pretraining_examples(read_shard(shard), entries, start.tokenizer, start.reader.config)
        examples = with_questions(examples, entries, start.reader.first_sentinel, question_share)
        return without_own(examples, entries) if ban_own else examples

    rows = sum(pq.read_metadata(shard).num_rows for shard in shards)
    parts = [partial(tokenise, shard) for shard in shards]
    return pack_examples(parts, round(rows / (1 - question_share)), work / "examples", seed)
