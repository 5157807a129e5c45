"""What the imports of a T5 share: bringing it to this machine, and registering it with its tokenizer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from qamat_core.store.shards import sha256_of
from qamat_core.store.store import DirectoryDraft, Job, Store
from qamat_core.t5.checkpoints.external import read_weights, weight_files
from qamat_core.t5.checkpoints.hub import download, is_hub_id
from qamat_core.t5.checkpoints.tokenizers import read_tokenizer, tokenizer_files
from qamat_core.t5.checkpoints.weights import Weights
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import CheckpointCard, save_checkpoint
from schemas.artifacts import ArtifactRef, DirectoryKind, Name
from schemas.corpus import SourceFile
from schemas.errors import InputError
from schemas.generation import ImportedFiles, ImportGeneratorConfig
from schemas.model import T5Config
from schemas.resources import Resources


@dataclass(frozen=True)
class T5Source:
    """Where a T5 lies."""

    place: str
    """A directory that transformers or T5X saved it in, or a hub id ``org/name``."""
    revision: str = "main"
    """Of a hub id: a branch, a tag or a commit."""
    tokenizer: Path | None = None
    """A ``spiece.model``, where the directory has none."""


@dataclass(frozen=True)
class ImportedRefs:
    """A checkpoint and the tokenizer that came with it."""

    checkpoint: ArtifactRef
    tokenizer: ArtifactRef


class _Source(NamedTuple):
    """A source that is on this machine."""

    directory: Path
    tokenizer: Path | None
    notes: dict[str, str]


class _Loaded(NamedTuple):
    weights: Weights
    tokenizer: Tokenizer


CardMaker = Callable[[T5Config, ArtifactRef], CheckpointCard]
"""What a T5 of this shape with this tokenizer is to be."""


def import_t5(
    module: str,
    config: ImportGeneratorConfig | None,
    source: T5Source,
    card: CardMaker,
    *,
    name: Name,
    resources: Resources,
) -> ImportedRefs:
    """Import a T5; files that were imported before are found again, wherever they lie now.

    Args:
        module: the task that imports it.
        config: what decides beside its files, if anything does.
        source: where it lies.
        card: makes its card.
        name: of the checkpoint and its tokenizer.
        resources: where artifacts live.

    Raises:
        InputError: there is no such checkpoint, or it cannot be loaded; says why and what to do.
    """
    store = Store(resources.home)
    here = _fetch(store, source)
    # Both are read before one of them is registered.
    load = cache(partial(_load, here))
    read = tokenizer_files(here.directory, here.tokenizer)
    tokenizer_job = _job(module, None, read, {}, "tokenizer", name)
    tokenizer = store.produce(tokenizer_job, lambda work: {"tokenizer": _tokenizer(load(), here, work)})["tokenizer"]

    def checkpoint(work: Path) -> DirectoryDraft:
        weights = load().weights
        save_checkpoint(work / "checkpoint", weights.params, card(weights.model, tokenizer), [])
        return DirectoryDraft(work / "checkpoint", notes={**here.notes, **weights.notes})

    job = _job(module, config, weight_files(here.directory), {"tokenizer": tokenizer}, "checkpoint", name)
    made = store.produce(job, lambda work: {"checkpoint": checkpoint(work)})
    return ImportedRefs(made["checkpoint"], tokenizer)


def _fetch(store: Store, source: T5Source) -> _Source:
    """Return the source, downloaded if it is not on this machine."""
    directory = Path(source.place)
    if directory.is_dir():
        return _Source(directory, source.tokenizer, {"source": source.place})
    if not is_hub_id(source.place):
        raise InputError(
            f"{source.place}: no such directory, and no hub id 'org/name' (as google-t5/t5-small); give one"
        )
    snapshot = download(source.place, source.revision, store.home / "hub")
    return _Source(snapshot.directory, source.tokenizer, {"source": source.place, "commit": snapshot.commit})


def _job(
    module: str,
    config: ImportGeneratorConfig | None,
    files: Sequence[Path],
    inputs: dict[str, ArtifactRef],
    kind: DirectoryKind,
    name: Name,
) -> Job:
    described = tuple(SourceFile(name=file.name, sha256=sha256_of(file)) for file in files)
    imported = ImportedFiles(importing=config, files=described)
    return Job(module=module, config=imported, inputs=inputs, outputs={kind: (kind, name)})


def _load(source: _Source) -> _Loaded:
    weights = read_weights(source.directory)
    return _Loaded(weights, read_tokenizer(source.directory, source.tokenizer, weights.model.vocab_size))


def _tokenizer(loaded: _Loaded, source: _Source, work: Path) -> DirectoryDraft:
    tokenizer = loaded.tokenizer
    tokenizer.save(work / "tokenizer")
    notes = {**source.notes, "vocab_size": tokenizer.vocab_size, "added": " ".join(tokenizer.added)}
    return DirectoryDraft(work / "tokenizer", notes=notes)
