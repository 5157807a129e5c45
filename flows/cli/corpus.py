"""`qamat corpus`: passages to memory."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.funnel import funnel
from flows.cli.generators import import_generator
from flows.cli.imports import complement, count, import_pairs
from flows.cli.options import DEFAULT_HOME, AsJson, Home, Preset, Runner, RunnerOptions, Workers
from flows.cli.output import print_fields, print_json
from flows.cli.refilter import refilter
from flows.cli.running import running
from flows.cli.updates import edit

if TYPE_CHECKING:
    from flows.corpus import Corpus
    from flows.steps import Tally

app = typer.Typer(help="Passages to memory.", no_args_is_help=True)
app.command("funnel")(funnel)
app.command("refilter")(refilter)
app.command("import-generator")(import_generator)
Registered = Annotated[str | None, typer.Option(help="A registered generator for this task (default: trained here).")]


@app.callback()
def corpus() -> None:
    """Passages to memory."""


app.command("import")(import_pairs)
app.command("complement")(complement)
app.command("count")(count)
app.command("edit")(edit)


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
    extraction: Registered = None,
    generation: Registered = None,
    comprehension: Registered = None,
    passages_from: Annotated[str | None, typer.Option(help="Registered passages, such as a complement.")] = None,
    examples_from: Annotated[
        str | None, typer.Option(help="Registered passages that training examples are made of (default: the same).")
    ] = None,
    imported: Annotated[list[str] | None, typer.Option(help="Registered imported pairs that join the memory.")] = None,
    filter_by: Annotated[
        str,
        typer.Option(
            "--filter", help="Read a question's own passage (reading-comprehension), or what is found (open-domain)."
        ),
    ] = "reading-comprehension",
    name: Annotated[str, typer.Option(help="Names every artifact of the corpus.")] = "world",
    workers: Workers = 2,
    runner: Runner = "FnApiRunner",
    runner_options: RunnerOptions = None,
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
            "generators": {"extraction": extraction, "generation": generation, "comprehension": comprehension},
            "passages_from": passages_from,
            "examples_from": examples_from,
            "imported": imported or [],
            "filter": filter_by,
            "workers": workers,
            "runner": runner,
            "runner_options": runner_options or [],
            "home": home,
        }
    )
    with running(home) as tally:
        from flows.corpus import regenerate_corpus

        made = regenerate_corpus(order)
    _print_made(made, tally, home, as_json=as_json)


def _print_made(made: "Corpus", tally: "Tally", home: str, *, as_json: bool) -> None:
    from qamat_core.funnel import funnel
    from qamat_core.store.store import Store

    store = Store(home)
    pairs = store.row(made.memory).rows
    quarantined = sum(stage.quarantined for stage in funnel(store, made.memory))
    if as_json:
        counts = {"pairs": pairs, "quarantined": quarantined, "computed": tally.computed, "reused": tally.reused}
        print_json({**made.model_dump(mode="json"), **counts})
        return
    print_fields({"memory": made.memory, "pairs": pairs, "made": tally.computed, "found": tally.reused})
    if quarantined:
        again = f"`qamat corpus funnel {made.memory.name}`; they are tried again next time"
        print(f"complete with {quarantined} quarantined: {again}")


def _absolute(passages: Path) -> str:
    """Return a path from the root, for the order may run elsewhere; ``wiki-vital`` is none."""
    from schemas.places import WIKI_VITAL

    return WIKI_VITAL if str(passages) == WIKI_VITAL else str(passages.absolute())
