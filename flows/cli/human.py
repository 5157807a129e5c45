"""`qamat human`: real questions answered from a memory that people wrote, without pre-trained weights."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import DEFAULT_HOME, AsJson, Home, Workers
from flows.cli.output import print_json
from flows.cli.running import running


def human(
    learn: Annotated[
        list[str],
        typer.Option(
            metavar="DATASET=FILE",
            help="Training questions, which stand in the memory too, such as nq=NQ-open.train.jsonl (repeat it).",
        ),
    ],
    ask: Annotated[
        list[str],
        typer.Option(metavar="DATASET/SPLIT=FILE", help="Questions that are asked, such as nq/dev=FILE (repeat it)."),
    ],
    pairs: Annotated[
        list[Path] | None, typer.Option(help="A file or folder of pairs that stand in the memory too (repeat it).")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="Of the pairs: paq, jsonl, tsv, opentriviaqa (default: told from the first)."),
    ] = None,
    scale: Annotated[str, typer.Option(help="The numbers of every job: toy, minutes, hour, gpu.")] = "hour",
    seeds: Annotated[int, typer.Option(help="Train every model with so many seeds.")] = 1,
    name: Annotated[str, typer.Option(help="Names every artifact of the study.")] = "human",
    out: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("report-human"),
    workers: Workers = 2,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Answer real questions from pairs that people wrote: QAMAT from random weights, BM25 beside it, a report."""
    from schemas.study_orders import HumanTrack

    order = HumanTrack.model_validate(
        {
            "scale": scale,
            "name": name,
            "learn": [_learned(given) for given in learn],
            "pairs": [str(path.absolute()) for path in pairs or []],
            "format": form,
            "ask": [_asked(given) for given in ask],
            "seeds": seeds,
            "out": str(out),
            "workers": workers,
            "home": home,
        }
    )
    with running(home) as tally:
        from flows.human import human_track

        human_track(order)
    if as_json:
        metrics = str((out / "metrics.parquet").absolute())
        made = {"computed": tally.computed, "reused": tally.reused}
        print_json({"report": str(out.absolute()), "metrics": metrics, **made})
        return
    print(f"{out / 'report.html'}: {tally.computed} steps made, {tally.reused} found")


def _learned(given: str) -> dict[str, str]:
    dataset, sign, path = given.partition("=")
    if not (dataset and sign and path):
        raise typer.BadParameter(f"{given!r} is not DATASET=FILE, such as nq=NQ-open.train.jsonl")
    return {"dataset": dataset, "split": "train", "path": str(Path(path).absolute())}


def _asked(given: str) -> dict[str, str]:
    place, sign, path = given.partition("=")
    dataset, slash, split = place.partition("/")
    if not (dataset and slash and split and sign and path):
        raise typer.BadParameter(f"{given!r} is not DATASET/SPLIT=FILE, such as nq/dev=NQ-open.dev.jsonl")
    return {"dataset": dataset, "split": split, "path": str(Path(path).absolute())}
