"""`qamat corpus`: passages to memory."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import DEFAULT_HOME, AsJson, Home, Preset, Workers
from flows.cli.output import print_fields, print_json
from flows.cli.running import running

app = typer.Typer(help="Passages to memory.", no_args_is_help=True)


@app.callback()
def corpus() -> None:
    """Passages to memory."""


@app.command("regenerate")
def regenerate(
    preset: Preset = "mini",
    passages: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file of passages (DPR TSV, JSONL, Wikipedia XML, SQuAD, HotpotQA, MuSiQue; .gz, .bz2, tar, zip "
            "too) or wiki-vital; without, the embedded world."
        ),
    ] = None,
    squad: Annotated[Path | None, typer.Option(help="A SQuAD JSON that the generators are trained on.")] = None,
    name: Annotated[str, typer.Option(help="Names every artifact of the corpus.")] = "world",
    workers: Workers = 2,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Run the Beam jobs over passages: answers, questions, verdicts, memory, training examples."""
    from schemas.orders import RegenerateCorpus

    order = RegenerateCorpus.model_validate(
        {
            "preset": preset,
            "name": name,
            "passages": [_absolute(path) for path in passages or []],
            "squad": str(squad.absolute()) if squad else None,
            "workers": workers,
            "home": home,
        }
    )
    with running(home) as tally:
        from flows.corpus import regenerate_corpus

        made = regenerate_corpus(order)
    from qamat_core.store.store import Store

    pairs = Store(home).row(made.memory).rows
    if as_json:
        artifacts = made.model_dump(mode="json")
        print_json({**artifacts, "pairs": pairs, "computed": tally.computed, "reused": tally.reused})
        return
    print_fields({"memory": made.memory, "pairs": pairs, "made": tally.computed, "found": tally.reused})


def _absolute(passages: Path) -> str:
    """Return a path from the root, for the order may run elsewhere; ``wiki-vital`` is none."""
    from qamat_core.readers.wiki_vital import WIKI_VITAL

    return WIKI_VITAL if str(passages) == WIKI_VITAL else str(passages.absolute())
