"""`qamat data overlap`: how many test questions of a data set repeat training questions."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import AsJson
from flows.cli.output import print_json, print_table

if TYPE_CHECKING:
    import pyarrow as pa


def overlap(
    dataset: Annotated[str, typer.Option(help="The data set's name, which says how answers are compared.")],
    train: Annotated[list[Path], typer.Option(help="A file of training questions; may be given several times.")],
    test: Annotated[list[Path], typer.Option(help="A file of test questions; may be given several times.")],
    threshold: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Jaccard similarity of the words of a repeated question.")
    ] = 0.5,
    as_json: AsJson = False,
) -> None:
    """Count test questions by their overlap with training questions: a whole question, an answer alone, none."""
    from qamat_core.evaluation.overlap_splits import OVERLAP_KINDS, near_questions

    trained, asked = _questions(train, dataset, "train"), _questions(test, dataset, "test")
    kinds = near_questions(trained, asked, threshold).column("overlap").to_pylist()
    counts = {kind: kinds.count(kind) for kind in OVERLAP_KINDS}
    if as_json:
        print_json({"train": trained.num_rows, "test": asked.num_rows, "overlap": counts})
        return
    rows = [("train", trained.num_rows, ""), ("test", asked.num_rows, "")]
    rows += [(f"{kind} overlap", count, f"{100 * count / len(kinds):.1f} %") for kind, count in counts.items()]
    print_table(("questions", "n", "share"), rows)


def _questions(paths: Sequence[Path], dataset: str, split: str) -> "pa.Table":
    from qamat_core.batches import to_table
    from qamat_core.readers.accounting import read_all
    from qamat_core.readers.formats import open_questions

    read = [record for path in paths for record in read_all(open_questions(path, dataset, split), str(path)).records]
    return to_table({record.example_id: record for record in read}.values(), "qa_examples")
