"""`qamat promote`: a model takes the place of the one in use, if it passes the gate."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.ask import BackendName
from flows.cli.options import DEFAULT_HOME, AsJson, Home, file_of_questions
from flows.cli.output import print_json
from flows.cli.running import running
from schemas.errors import InputError

if TYPE_CHECKING:
    from flows.promote import Promoted


def promote(
    checkpoint: Annotated[str, typer.Option(help="The model's name.")],
    memory: Annotated[str | None, typer.Option(help="Its memory (default: the one it was trained over).")] = None,
    backend: BackendName = "exact",
    questions: Annotated[str | None, typer.Option(help="Questions that are registered (qa_examples).")] = None,
    dataset: Annotated[str | None, typer.Option(help="With --path: the data set's name.")] = None,
    path: Annotated[
        Path | None, typer.Option(help="A file of questions, in a form that `qamat evaluate` reads.")
    ] = None,
    split: Annotated[str, typer.Option(help="With --path: the split's name.")] = "dev",
    against: Annotated[
        str | None, typer.Option(help="Questions that leakage is measured by (default: those it was trained on).")
    ] = None,
    tag: Annotated[str, typer.Option(help="What is moved; what it names now is the champion.")] = "production",
    name: Annotated[str | None, typer.Option(help="The bundle's name (default: the model's).")] = None,
    gate: Annotated[
        Path | None, typer.Option(help='The gate as JSON: {"thresholds": {"min_em": 40}} (docs/promotion.md).')
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Bundle a model with its index and memory, measure it beside the champion, move the tag if it passes the gate."""
    from schemas.orders import Promote

    order = Promote.model_validate(
        {
            "checkpoint": checkpoint,
            "memory": memory,
            "backend": backend,
            "questions": questions,
            "file": file_of_questions(dataset, path, split),
            "against": against,
            "tag": tag,
            "name": name,
            "gate": _gate(gate),
            "home": home,
        }
    )
    with running(home):
        from flows.promote import promote as flow

        promoted = flow(order)
    _tell(promoted, home, as_json)


def _tell(promoted: "Promoted", home: str, as_json: bool) -> None:
    """Print what the gate said, and what the tag names."""
    from flows.lookup import open_home
    from tasks.judge_bundle import load_verdict

    verdict = load_verdict(open_home(home), promoted.verdict) if promoted.verdict else None
    if as_json:
        print_json(
            {
                "tag": promoted.tag.name,
                "names": str(promoted.tag.target),
                "moved": verdict is not None,
                "verdict": str(promoted.verdict) if verdict else None,
                "checks": verdict.model_dump(mode="json")["checks"] if verdict else [],
            }
        )
        return
    for check in verdict.checks if verdict else ():
        print(check)
    print(f"{promoted.tag.name} names {promoted.tag.target}" + ("" if verdict else ", as before"))


def _gate(file: Path | None) -> object:
    """Read a gate.

    Raises:
        InputError: the file cannot be read, or is no JSON.
    """
    try:
        return json.loads(file.read_text()) if file else {}
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: no gate can be read there ({error}); give JSON (docs/promotion.md)") from error
