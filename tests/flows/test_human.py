"""The track on real questions, on a few pairs: all rows stand in the report, and a second run makes nothing."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.human import human_track
from flows.human_rows import command
from flows.steps import counting
from qamat_core.store.store import Store
from schemas.study_orders import HumanTrack

PEOPLE = ["Ada", "Bela", "Cleo", "Dora", "Edda", "Fiona", "Greta", "Hilda", "Ines", "Jette"]
TOWNS = ["Dorf", "Stad", "Holm", "Burg", "Furt"]
ROWS = {"BM25 questions", "Dense questions", "Dense questions Fine-tuned", "QAMAT Zero-Shot", "QAMAT Fine-tuned"}


def _order(folder: Path, **more: Any) -> HumanTrack:
    lives = [(f"where does {name} live", TOWNS[place % 5]) for place, name in enumerate(PEOPLE)]
    born = [(f"where was {name} born", TOWNS[place % 5]) for place, name in enumerate(PEOPLE)]
    asked = [(f"in which town does {name} live", TOWNS[place % 5]) for place, name in enumerate(PEOPLE)]
    for label, pairs in {"train": lives, "pairs": born, "dev": asked}.items():
        lines = [json.dumps({"question": question, "answer": [answer]}) for question, answer in pairs]
        (folder / f"{label}.jsonl").write_text("\n".join(lines) + "\n")
    return HumanTrack.model_validate(
        {
            "scale": "toy",
            "learn": [{"path": f"{folder / 'train.jsonl'}", "dataset": "nq"}],
            "pairs": [f"{folder / 'pairs.jsonl'}"],
            "ask": [{"path": f"{folder / 'dev.jsonl'}", "dataset": "nq", "split": "dev"}],
            "home": f"{folder / 'home'}",
            "out": f"{folder / 'report'}",
        }
        | more
    )


@pytest.mark.slow
@pytest.mark.usefixtures("prefect")
def test_every_row_is_measured_bm25_as_ever_and_a_second_run_makes_nothing(tmp_path: Path):
    order = _order(tmp_path)
    human_track(order)
    rows = pq.read_table(tmp_path / "report" / "metrics.parquet").to_pylist()
    measured = {
        (row["row"], row["split"], row["metric"], row["k"]): row["value"] for row in rows if row["table"] == "human"
    }
    assert {row for row, split, metric, _ in measured if (split, metric) == ("dev", "em")} == ROWS
    assert any("overlap" in split for _, split, *_ in measured)
    assert {row["row"] for row in rows if row["table"] == "claims"} == {"human-bm25", "human-reading"}
    store = Store(tmp_path / "home")
    figures = store.open_table(store.newest("metrics", "human-bm25-nq-dev")).to_pylist()
    bm25 = {(row["metric"], row["k"]): row["value"] for row in figures}
    assert bm25 == {key[2:]: value for key, value in measured.items() if key[:2] == ("BM25 questions", "dev")}
    assert bm25["recall", 1] == 100.0
    with counting() as tally:
        human_track(order)
    assert tally.computed == 0


def test_the_command_says_what_the_order_says(tmp_path: Path):
    assert command(_order(tmp_path, seeds=3)) == (
        "qamat human --scale toy --seeds 3 --learn nq=train.jsonl --pairs pairs.jsonl --ask nq/dev=dev.jsonl"
    )


def test_two_files_of_one_split_are_refused(tmp_path: Path):
    asked = {"path": "x", "dataset": "nq", "split": "dev"}
    with pytest.raises(ValueError, match="one file a data set and split"):
        _order(tmp_path, ask=[asked, asked])
