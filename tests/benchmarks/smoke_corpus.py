"""A memory without generators: clozes of passages, a sentence's words around a name or number that is taken out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq

from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.examples import pretraining_examples
from qamat_core.qamat.packing import PackedExamples, pack_examples
from qamat_core.qamat.reader import Reader
from qamat_core.store.shards import read_shard
from qamat_core.store.store import Store
from qamat_core.tokenizer import Tokenizer
from schemas.artifacts import ArtifactRef
from schemas.preset_models import Preset
from schemas.presets import preset
from schemas.resources import Resources
from tasks import build_world, ingest_passages, mine_negatives, train_tokenizer
from tests.benchmarks.multihop_audit import cloze_spans
from tests.tasks.corpus import pair, register

PAIRS_OF_A_PASSAGE, AROUND = 4, 60
"""At most so many pairs; so many characters on either side."""


@dataclass(frozen=True)
class Corpus:
    """What is trained on."""

    store: Store
    memory: ArtifactRef
    shards: Sequence[Path]
    """Of masked passages."""
    tokenizer: Tokenizer


def make_corpus(numbers: Preset, data: str | None, folder: Path) -> Corpus:
    """Make a memory of clozes and masked passages of a file, or of the embedded world."""
    resources = Resources(home=str(folder / "home"))
    store, tokenizer = Store(resources.home), numbers.corpus.tokenizer
    if data is not None:
        passages = ingest_passages.run(numbers.corpus.ingest, [Path(data)], name="smoke", resources=resources).passages
    else:
        passages = build_world.run(numbers.world, name="smoke", resources=resources).passages
        tokenizer = preset("toy" if numbers.name == "toy" else "mini").corpus.tokenizer  # it has few words
    memory = register(store, "qa_pairs", "smoke", list(clozes(store, passages)), 10_000)
    inputs = mine_negatives.NegativesInputs(passages, memory)
    mined = mine_negatives.run(numbers.corpus.negatives, inputs, name="smoke", resources=resources)
    pieces = train_tokenizer.run(tokenizer, [passages], name="smoke", resources=resources)
    shards = [path for path in store.open_shards(mined.pretrain_examples) if pq.read_metadata(path).num_rows]
    return Corpus(store, memory, shards, Tokenizer.load(store.open_directory(pieces)))


def clozes(store: Store, passages: ArtifactRef) -> Iterator[dict[str, object]]:
    """Yield a pair for the first names and numbers of every passage."""
    for row in store.open_table(passages).to_pylist():
        text = row["text"]
        for start, end in islice(cloze_spans(text), PAIRS_OF_A_PASSAGE):
            before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
            question = f"{before}what{after}".strip()
            yield pair(f"{row['passage_id']}-{start}-{end}", question, text[start:end], row["passage_id"], start)


def packed(corpus: Corpus, entries: MemoryEntries, reader: Reader, directory: Path) -> PackedExamples:
    """Tokenise the masked passages."""
    parts = [
        lambda shard=shard: pretraining_examples(read_shard(shard), entries, corpus.tokenizer, reader.config)
        for shard in corpus.shards
    ]
    return pack_examples(parts, sum(pq.read_metadata(shard).num_rows for shard in corpus.shards), directory, 0)
