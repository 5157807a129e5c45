"""`qamat corpus refilter`: another memory of what was generated already."""

from typing import Annotated

import typer

from flows.cli.options import DEFAULT_HOME, AsJson, Home, Preset, Runner, RunnerOptions, Workers
from flows.cli.output import print_fields, print_json
from flows.cli.running import running


def refilter(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A regenerated corpus.")],
    to: Annotated[str, typer.Option(help="Names the new verdicts, memory and examples.")],
    filter_by: Annotated[
        str | None,
        typer.Option(
            "--filter",
            help="Ask this filter about all pairs: reading-comprehension or open-domain (default: keep what was read).",
        ),
    ] = None,
    min_f1: Annotated[
        float | None, typer.Option(help="Keep pairs whose answers overlap so much (default: exact matches alone).")
    ] = None,
    min_logprob: Annotated[
        float | None, typer.Option(help="Keep pairs whose question has at least this mean log-probability.")
    ] = None,
    preset: Preset = "mini",
    workers: Workers = 2,
    runner: Runner = "FnApiRunner",
    runner_options: RunnerOptions = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Judge the pairs of a corpus by another filter or another threshold; nothing is generated again."""
    from schemas.orders import RefilterCorpus

    rule = {"min_f1": min_f1, "min_logprob": min_logprob}
    order = RefilterCorpus.model_validate(
        {
            "name": name,
            "to": to,
            "filter": filter_by,
            "rule": rule,
            "preset": preset,
            "workers": workers,
            "runner": runner,
            "runner_options": runner_options or [],
            "home": home,
        }
    )
    with running(home) as tally:
        from flows.refilter import refilter_corpus

        made = refilter_corpus(order)
    from qamat_core.store.store import Store

    pairs = Store(home).row(made.qa_pairs).rows
    if as_json:
        print_json({**made.model_dump(mode="json"), "pairs": pairs, "computed": tally.computed, "reused": tally.reused})
        return
    print_fields({"memory": made.qa_pairs, "pairs": pairs, "made": tally.computed, "found": tally.reused})
