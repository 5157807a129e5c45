"""What the commands share that bring in a T5 made elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.output import print_fields, print_json

if TYPE_CHECKING:
    from flows.steps import Tally
    from tasks.external_t5 import ImportedRefs

Revision = Annotated[str, typer.Option(help="Of a hub id: a branch, a tag or a commit.")]
OwnTokenizer = Annotated[Path | None, typer.Option("--tokenizer", help="A spiece.model, where the source has none.")]


def local_or_hub(source: str) -> str:
    """Return a source as an absolute path if it is one, else as it is."""
    return str(Path(source).absolute()) if Path(source).exists() else source


def public_t5(source: str, revision: str, tokenizer: Path | None) -> dict[str, str | None]:
    """Return the fields of an order that say where a T5 lies."""
    own = str(tokenizer.absolute()) if tokenizer else None
    return {"source": local_or_hub(source), "revision": revision, "tokenizer": own}


def print_imported(home: str, made: "ImportedRefs", tally: "Tally", *, as_json: bool) -> None:
    """Print what was registered, with the notes on how it was read."""
    from qamat_core.store.store import Store

    notes = Store(home).row(made.checkpoint).notes
    refs = {"checkpoint": made.checkpoint, "tokenizer": made.tokenizer}
    if as_json:
        dumped = {label: ref.model_dump(mode="json") for label, ref in refs.items()}
        print_json({**dumped, "notes": notes, "computed": tally.computed, "reused": tally.reused})
        return
    print_fields({**refs, **notes})
