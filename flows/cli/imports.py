"""`qamat corpus import | complement | count`: corpora that others made, and what a memory is made of."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import DEFAULT_HOME, AsJson, Home, Runner, RunnerOptions, Workers
from flows.cli.output import print_fields, print_json, print_table
from flows.cli.running import running


def import_pairs(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders; .gz, .bz2, tar and zip too.")],
    form: Annotated[
        str | None, typer.Option("--format", help="paq, jsonl, tsv, opentriviaqa (default: told from the first file).")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Names the corpus (default: the format).")] = None,
    origin: Annotated[
        str | None, typer.Option(help="Where every pair says it comes from (default: the format).")
    ] = None,
    passages: Annotated[
        str | None, typer.Option(help="Registered passages that the pairs are joined to by their ids.")
    ] = None,
    workers: Workers = 2,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Import question-answer pairs: one an answer span, one a question; the others stand in duplicates and rejects."""
    from schemas.orders import ImportPairs

    order = ImportPairs.model_validate(
        {
            "paths": [str(path.absolute()) for path in paths],
            "format": form,
            "name": name,
            "origin": origin,
            "passages": passages,
            "workers": workers,
            "home": home,
        }
    )
    with running(home) as tally:
        from flows.imports import import_pairs as flow

        made = flow(order)
    from qamat_core.store.store import Store

    row = Store(home).row(made.qa_pairs)
    counts = {"read": row.read, "kept": row.kept, "rejected": row.rejected}
    counts |= {str(label).replace(" ", "_"): value for label, value in row.notes.items()}
    if as_json:
        print_json({**made.model_dump(mode="json"), **counts, "computed": tally.computed, "reused": tally.reused})
        return
    print_fields({"pairs": made.qa_pairs, **counts})


def complement(
    passages: Annotated[str, typer.Option(help="All passages, by the name under which they are registered.")],
    imported: Annotated[list[str], typer.Option(help="An imported corpus whose spans say what is covered.")],
    name: Annotated[str | None, typer.Option(help="Names what is left (default: PASSAGES-complement).")] = None,
    workers: Workers = 2,
    runner: Runner = "FnApiRunner",
    runner_options: RunnerOptions = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Find the passages that imported corpora do not cover, for `qamat corpus regenerate --passages-from`."""
    from schemas.orders import ComplementPassages

    order = ComplementPassages.model_validate(
        {
            "passages": passages,
            "imported": imported,
            "name": name,
            "workers": workers,
            "runner": runner,
            "runner_options": runner_options or [],
            "home": home,
        }
    )
    with running(home):
        from flows.imports import complement_passages

        left = complement_passages(order)
    from qamat_core.store.store import Store

    row = Store(home).row(left)
    counts = {"read": row.read, "covered": row.rejected, "left": row.kept}
    if as_json:
        print_json({"passages": left.model_dump(mode="json"), **counts})
        return
    print_fields({"passages": left, **counts})


def count(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The memory's name.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Count pairs and passages by origin, before and after filters and deduplication, as Table 1 does."""
    from schemas.orders import CountCorpus

    order = CountCorpus.model_validate({"name": name, "home": home})
    with running(home):
        from flows.imports import count_corpus

        metrics = count_corpus(order)
    from qamat_core.store.store import Store

    rows = Store(home).open_table(metrics).to_pylist()
    if as_json:
        print_json({"metrics": rows})
        return
    print_table(("row", "metric", "value"), [(row["row"], row["metric"], f"{row['value']:.0f}") for row in rows])
