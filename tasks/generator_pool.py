"""Generators shared by the worker threads of a process: each checkpoint is loaded and compiled once."""

from threading import Lock

from qamat_core.generation.generator import Generator
from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_card
from schemas.artifacts import ArtifactRef
from schemas.errors import IncompatibleArtifactError

_POOL: dict[str, Generator] = {}
_LOCK = Lock()


def open_generator(home: str, checkpoint: ArtifactRef) -> Generator:
    """Return the generator of a checkpoint, loaded by the first thread that asks for it.

    Raises:
        IncompatibleArtifactError: this is no checkpoint, or one of another stage.
    """
    if checkpoint.kind != "checkpoint":
        raise IncompatibleArtifactError(f"{checkpoint}: no checkpoint; give a generator's checkpoint")
    with _LOCK:
        if checkpoint.content not in _POOL:
            store = Store(home)
            directory = store.open_directory(checkpoint)
            tokenizer = store.open_directory(load_card(directory).tokenizer)
            _POOL[checkpoint.content] = Generator.load(directory, tokenizer)
        return _POOL[checkpoint.content]


def generator_id(checkpoint: ArtifactRef) -> str:
    """Return what stands in a table's column ``generator``: the beginning of the checkpoint's content digest."""
    return checkpoint.content[:12]
