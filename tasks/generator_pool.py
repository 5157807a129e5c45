"""Generators shared by the worker threads of a process: each checkpoint is loaded and compiled once."""

from threading import Lock

from qamat_core.generation.generator import Generator, load_config
from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_card
from schemas.artifacts import ArtifactRef
from schemas.errors import IncompatibleArtifactError
from schemas.generation import GeneratorConfig, GeneratorTask

_POOL: dict[str, Generator] = {}
_LOCK = Lock()


def open_generator(home: str, checkpoint: ArtifactRef, task: GeneratorTask | None = None) -> Generator:
    """Return the generator of a checkpoint, trained here or imported, loaded by the first thread that asks for it.

    Args:
        home: the store.
        checkpoint: a generator's checkpoint.
        task: what it is wanted for; None for all that it is made for.

    Raises:
        IncompatibleArtifactError: this is no checkpoint, one of another stage, or one of another task.
    """
    _check_kind(checkpoint)
    with _LOCK:
        if checkpoint.content not in _POOL:
            store = Store(home)
            directory = store.open_directory(checkpoint)
            tokenizer = store.open_directory(load_card(directory).tokenizer)
            _POOL[checkpoint.content] = Generator.load(directory, tokenizer)
        generator = _POOL[checkpoint.content]
    _check_task(checkpoint, generator.config, task)
    return generator


def check_generator(home: str, checkpoint: ArtifactRef, task: GeneratorTask) -> None:
    """Raise what ``open_generator`` would raise, without loading the model."""
    _check_kind(checkpoint)
    directory = Store(home).open_directory(checkpoint)
    _check_task(checkpoint, load_config(directory), task)


def _check_kind(checkpoint: ArtifactRef) -> None:
    if checkpoint.kind != "checkpoint":
        raise IncompatibleArtifactError(f"{checkpoint}: no checkpoint; give a generator's checkpoint")


def _check_task(checkpoint: ArtifactRef, config: GeneratorConfig, task: GeneratorTask | None) -> None:
    if task is not None and task not in config.tasks:
        made_for = " and ".join(config.tasks)
        raise IncompatibleArtifactError(f"{checkpoint}: made for {made_for}, not for {task}; give another generator")


def generator_id(checkpoint: ArtifactRef) -> str:
    """Return what stands in a table's column ``generator``: the beginning of the checkpoint's content digest."""
    return checkpoint.content[:12]
