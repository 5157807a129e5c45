"""`qamat corpus import-generator`: a T5 that was trained elsewhere becomes a generator."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.imported import OwnTokenizer, Revision, local_or_hub, print_imported
from flows.cli.options import DEFAULT_HOME, AsJson, Home
from flows.cli.running import running


def import_generator(
    source: Annotated[str, typer.Argument(help="A directory (transformers, T5X) or a hub id: org/name.")],
    name: Annotated[str, typer.Option(help="Names the checkpoint and its tokenizer.")],
    prompts: Annotated[
        str, typer.Option(help="What it was trained to read: plain, highlight, paq, sentinel, or a JSON file.")
    ],
    task: Annotated[
        list[str] | None,
        typer.Option(help="What it was trained for: extraction, generation, comprehension (default: all)."),
    ] = None,
    lengths: Annotated[
        str, typer.Option(help="Pieces of passage, question and answer; what is longer is cut.")
    ] = "384,32,32",
    revision: Revision = "main",
    tokenizer: OwnTokenizer = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Register a T5 as a generator: for `qamat corpus regenerate --extraction NAME`, and so on."""
    from schemas.generation import ALL_TASKS
    from schemas.orders import ImportGenerator

    order = ImportGenerator.model_validate(
        {
            "source": local_or_hub(source),
            "name": name,
            "prompts": _prompts(prompts),
            "lengths": _lengths(lengths),
            "tasks": task or ALL_TASKS,
            "revision": revision,
            "tokenizer": str(tokenizer.absolute()) if tokenizer else None,
            "home": home,
        }
    )
    with running(home) as tally:
        from flows.generators import import_generator as run

        made = run(order)
    print_imported(home, made, tally, as_json=as_json)


def _prompts(given: str) -> object:
    """Return the prompt format of a name, or the fields that stand in a JSON file."""
    import json

    from schemas.errors import InputError
    from schemas.prompts import PROMPTS

    if (known := {str(name): prompts for name, prompts in PROMPTS.items()}.get(given)) is not None:
        return known
    try:
        return json.loads(Path(given).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"prompts {given!r}: neither {', '.join(PROMPTS)} nor a JSON file") from error


def _lengths(given: str) -> dict[str, int]:
    try:
        passage, question, answer = map(int, given.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"--lengths {given}: give three numbers as 384,32,32") from error
    return {"passage": passage, "question": question, "answer": answer}
