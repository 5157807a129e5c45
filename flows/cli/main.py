"""The command line: `qamat`. Exit 0: done; 1: refused, with one clear line on stderr; 2: wrong usage.

Commands import what they need when they are called, so that help is there at once.
"""

import sys

import typer

from flows.cli import artifacts, corpus, data, index, train
from flows.cli.ask import ask
from flows.cli.bench import bench
from flows.cli.evaluate import evaluate
from flows.cli.human import human
from flows.cli.output import print_json
from flows.cli.plan import plan
from flows.cli.promote import promote
from flows.cli.reproduce import reproduce
from flows.cli.serve import serve
from qamat_core.store.space import noticing_full_disk
from schemas.errors import QamatError

app = typer.Typer(
    name="qamat",
    help="QAMAT: a T5 that answers from a memory of generated question-answer pairs, corpus to tables.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("reproduce")(reproduce)
app.command("human")(human)
app.add_typer(corpus.app, name="corpus")
app.add_typer(train.app, name="train")
app.add_typer(index.app, name="index")
app.command("evaluate")(evaluate)
app.command("ask")(ask)
app.command("serve")(serve)
app.command("promote")(promote)
app.add_typer(artifacts.app, name="artifacts")
app.add_typer(data.app, name="data")
app.command("plan")(plan)
app.command("bench")(bench)


def main() -> None:
    """Run the command line."""
    try:
        with noticing_full_disk("a disk of this machine"):
            app()
    except QamatError as error:
        _refuse(str(error))
    except ValueError as error:
        if (line := _validation_line(error)) is None:
            raise
        _refuse(line)


def _refuse(line: str) -> None:
    print(f"qamat: {line}", file=sys.stderr)
    if "--json" in sys.argv[1:]:
        print_json({"error": line})
    sys.exit(1)


def _validation_line(error: ValueError) -> str | None:
    """Return the first fault of a configuration that pydantic refused, in one line; None for another error."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return None
    fault = error.errors()[0]
    place = ".".join(map(str, fault["loc"]))
    return f"{error.title}{'.' if place else ''}{place}: {fault['msg']} (got {fault['input']!r:.80})"
