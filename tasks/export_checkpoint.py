"""A checkpoint -> a directory outside of the store that `transformers` or T5X loads; for the former with its card."""

from pathlib import Path
from tempfile import TemporaryDirectory

from qamat_core.cards.card import card
from qamat_core.store.store import Store
from qamat_core.t5.checkpoints.export import ExportFormat, export
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import load_card
from schemas.artifacts import ArtifactRef
from schemas.errors import ConfigError, InputError
from schemas.resources import Resources


def run(checkpoint: ArtifactRef, form: ExportFormat, out: Path, *, resources: Resources) -> list[Path]:
    """Write a checkpoint's T5 with its tokenizer as a new directory, whole or not at all; return its files.

    Raises:
        ConfigError: the model has parts that no other library has.
        InputError: the directory is there already, or cannot be written.
    """
    store = Store(resources.home)
    directory = store.open_directory(checkpoint)
    tokenizer = Tokenizer.load(store.open_directory(load_card(directory).tokenizer))
    if out.exists():
        raise InputError(f"{out}: is there already; give --out a new directory")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as work:
            export(directory, tokenizer, form, Path(work) / "checkpoint")
            if form == "hf":
                card(store, checkpoint).save(Path(work) / "checkpoint" / "README.md")
            (Path(work) / "checkpoint").rename(out)
    except ConfigError as error:
        raise ConfigError(f"{checkpoint}: {error}") from error
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); give another --out") from error
    return sorted(path for path in out.rglob("*") if path.is_file())
