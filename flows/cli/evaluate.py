"""`qamat evaluate`: exact match, F1 and recall of a checkpoint on a data set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.ask import BackendName
from flows.cli.options import DEFAULT_HOME, AsJson, Home, file_of_questions
from flows.cli.output import print_json, print_table
from flows.cli.running import running

if TYPE_CHECKING:
    from flows.evaluate import Evaluated


def evaluate(
    checkpoint: Annotated[str, typer.Option(help="The checkpoint's name.")],
    memory: Annotated[
        str | None, typer.Option(help="The memory that is searched (default: the one it was trained over).")
    ] = None,
    backend: BackendName = "exact",
    questions: Annotated[str | None, typer.Option(help="Questions that are registered (qa_examples).")] = None,
    dataset: Annotated[
        str | None, typer.Option(help="With --path: the data set's name, which says whose script scores.")
    ] = None,
    path: Annotated[
        Path | None,
        typer.Option(
            help="A file of questions (JSONL of NQ-open, MuSiQue; JSON of TriviaQA, WebQuestions, HotpotQA, MuSiQue, "
            "SQuAD; DPR CSV, TSV; packed too)."
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="With --path: the split's name.")] = "dev",
    against: Annotated[
        str | None,
        typer.Option(help="Training questions (qa_examples): figures by the questions' overlap with them, too."),
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Let a checkpoint answer the questions of a data set, with every K that it was trained for."""
    from schemas.orders import Evaluate

    order = Evaluate.model_validate(
        {
            "checkpoint": checkpoint,
            "memory": memory,
            "backend": backend,
            "questions": questions,
            "file": file_of_questions(dataset, path, split),
            "against": against,
            "home": home,
        }
    )
    with running(home):
        from flows.evaluate import evaluate_qamat

        found = evaluate_qamat(order)
    rows = _figures(home, found)
    if as_json:
        predictions = {str(k): str(ref) for k, ref in found.predictions.items()}
        print_json({"n": rows[0]["n"], "metrics": rows, "predictions": predictions})
        return
    columns = (*(("split",) if against else ()), "metric", "k", "value", "low", "high", "n")
    print_table(columns, [[_cell(row[column]) for column in columns] for row in rows])


def _figures(home: str, found: "Evaluated") -> list[dict[str, Any]]:
    from qamat_core.store.store import Store

    store = Store(home)
    return [row for ref in found.metrics.values() for row in store.open_table(ref).to_pylist()]


def _cell(value: object) -> object:
    return f"{value:.1f}" if isinstance(value, float) else value
