"""A SentencePiece tokenizer: passages, annotations, questions, pairs -> tokenizer."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from qamat_core.store.shards import read_shard
from qamat_core.store.store import DirectoryDraft, Job, Store
from qamat_core.tokenizer import Tokenizer, train_sentencepiece
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import ConfigError
from schemas.generation import TrainTokenizerConfig
from schemas.resources import Resources

TEXT_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "passages": ("title", "text"),
    "annotations": ("question",),
    "qa_examples": ("question",),
    "qa_pairs": ("question", "answer"),
}
"""Table kind -> the columns that a tokenizer is trained on."""


def run(config: TrainTokenizerConfig, texts: Sequence[ArtifactRef], *, name: Name, resources: Resources) -> ArtifactRef:
    """Train a tokenizer on the texts of tables.

    Raises:
        ConfigError: a table has no texts, or they do not suffice for so many pieces.
    """
    if unknown := [str(ref) for ref in texts if ref.kind not in TEXT_COLUMNS]:
        raise ConfigError(f"{unknown[0]}: no table of texts; give one of {', '.join(TEXT_COLUMNS)}")
    store = Store(resources.home)
    inputs = {f"texts-{number}": ref for number, ref in enumerate(texts)}
    job = Job(module=__name__, config=config, inputs=inputs, outputs={"tokenizer": ("tokenizer", name)})
    return store.produce(job, lambda work: {"tokenizer": _train(store, config, texts, work)})["tokenizer"]


def _train(store: Store, config: TrainTokenizerConfig, texts: Sequence[ArtifactRef], work: Path) -> DirectoryDraft:
    sample = (text for ref in texts for text in sample_texts(store, ref, config.max_texts))
    tokenizer = Tokenizer(train_sentencepiece(sample, config.tokenizer))
    tokenizer.save(work / "tokenizer")
    return DirectoryDraft(work / "tokenizer", notes={"vocab_size": tokenizer.vocab_size})


def sample_texts(store: Store, ref: ArtifactRef, max_texts: int) -> Iterator[str]:
    """Yield at most ``max_texts`` texts of a table, at even distances, one shard in memory at a time."""
    columns = list(TEXT_COLUMNS[ref.kind])
    stride = max(1, -(-store.row(ref).rows * len(columns) // max_texts))
    number = 0
    for shard in store.open_shards(ref):
        for row in read_shard(shard, columns).to_pylist():
            for text in row.values():
                if number % stride == 0:
                    yield text
                number += 1
