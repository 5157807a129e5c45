"""`qamat reproduce`: the main job, corpus to tables."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from flows.cli.devices import Mesh, devices
from flows.cli.imported import OwnTokenizer, Revision, public_t5
from flows.cli.options import DEFAULT_HOME, AsJson, Home, Preset, Runner, RunnerOptions, Workers
from flows.cli.output import print_json
from flows.cli.running import running
from schemas.errors import ConfigError
from schemas.study_orders import TableName

if TYPE_CHECKING:
    from flows.steps import Tally
    from schemas.study_orders import Reproduce

Only = Annotated[
    list[str] | None,
    typer.Option(help=f"A table wanted: {', '.join(get_args(TableName))} (repeat it, or use commas)."),
]
Corpus = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Take the registered memory of this name, as `qamat corpus regenerate` makes it, with --dataset.",
    ),
]
DataSets = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=TRAIN,DEV,TEST",
        help="Learn and ask these questions, files or registered ones (repeat it; default: the world's own).",
    ),
]
Source = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="PATH|HUB_ID",
        help="Start generators and models from a public T5 (default: random weights).",
    ),
]


def reproduce(
    preset: Preset = "mini",
    only: Only = None,
    memory: Annotated[
        list[str] | None, typer.Option(help="A memory of table 4: generated or gold (repeat it; default: both).")
    ] = None,
    corpus: Corpus = None,
    dataset: DataSets = None,
    seeds: Annotated[int, typer.Option(help="Train every model with so many seeds.")] = 1,
    out: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("report"),
    split: Annotated[str, typer.Option(help="Ask the questions of this split: test, or dev for tuning.")] = "test",
    source: Source = None,
    revision: Revision = "main",
    tokenizer: OwnTokenizer = None,
    mesh: Mesh = None,
    workers: Workers = 2,
    runner: Runner = "FnApiRunner",
    runner_options: RunnerOptions = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print what would be made and found, and make nothing.")] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Reproduce the paper's tables: one flow from nothing to a report; what is made already is found."""
    from schemas.study_orders import Reproduce

    tables = [table for given in only or [] for table in given.split(",")]
    order = Reproduce.model_validate(
        {
            "preset": preset,
            "only": tables,
            **({"memories": memory} if memory else {}),
            **({"start": public_t5(source, revision, tokenizer)} if source else {}),
            **devices(mesh),
            "corpus": corpus,
            "datasets": [_question_set(text) for text in dataset or []],
            "seeds": seeds,
            "out": str(out),
            "split": split,
            "workers": workers,
            "runner": runner,
            "runner_options": runner_options or [],
            "home": home,
        }
    )
    if plan:
        _plan(order, as_json=as_json)
        return
    started = time.monotonic()
    with running(home) as tally:
        from flows.reproduce import reproduce as flow

        flow(order)
    _tell(out, tally, round((time.monotonic() - started) / 60, 2), as_json=as_json)


def _question_set(text: str) -> dict[str, str]:
    name, _, files = text.partition("=")
    parts = files.split(",")
    if len(parts) != 3:
        raise ConfigError(f"--dataset {text}: give NAME=TRAIN,DEV,TEST, such as nq=train.jsonl,dev.jsonl,test.jsonl")
    return {"dataset": name, **dict(zip(("train", "dev", "test"), parts, strict=True))}


def _plan(order: "Reproduce", *, as_json: bool) -> None:
    from flows.runtime import set_environment

    set_environment(order.home)
    from flows.plan_text import lines
    from flows.reproduce import plan

    made = plan(order)
    if as_json:
        print_json(made.record())
    else:
        print(*lines(made, every=True), sep="\n")


def _tell(out: Path, tally: "Tally", minutes: float, *, as_json: bool) -> None:
    if not as_json:
        print(f"{out / 'report.html'}: {tally.computed} steps made, {tally.reused} found, {minutes} minutes")
        return
    print_json(
        {
            "report": str(out.absolute()),
            "metrics": str((out / "metrics.parquet").absolute()),
            "minutes": minutes,
            "computed": tally.computed,
            "reused": tally.reused,
        }
    )
