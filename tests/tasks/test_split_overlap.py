"""Overlap as an artifact, and the figures of each part of the questions."""

from pathlib import Path

import pyarrow as pa
import pytest

from qamat_core.store.store import Job, Store, write_table
from schemas.artifacts import ArtifactRef
from schemas.corpus import IngestConfig
from schemas.evaluation import OverlapConfig, Place, SummaryConfig
from schemas.resources import Resources
from schemas.tables import PREDICTIONS
from tasks import ingest_questions, split_overlap, summarise_predictions

PLACE = Place(table="table2", row="m", dataset="mine", split="test", memory="gold", model_size="s", k=1)


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    return Resources(home=str(tmp_path / "home"))


def questions(tmp_path: Path, resources: Resources, split: str, *lines: str) -> ArtifactRef:
    path = tmp_path / f"{split}.tsv"
    path.write_text("\n".join(lines) + "\n")
    config = IngestConfig()
    return ingest_questions.run(config, path, dataset="mine", split=split, name=split, resources=resources).qa_examples


def predictions(store: Store, examples: ArtifactRef, right: list[bool]) -> ArtifactRef:
    rows = [
        {"example_id": example["example_id"], "question": "", "answers": [], "prediction": "", "retrieved_ids": []}
        | {
            "weights": [],
            "exact_match": good,
            "f1": float(good),
            "first_hit": None,
            "sum_logprob": None,
            "margin": None,
        }
        for example, good in zip(store.open_table(examples).to_pylist(), right, strict=True)
    ]
    table = pa.Table.from_pylist(rows, schema=PREDICTIONS)
    outputs = {"predictions": ("predictions", "p")}
    job = Job(module=__name__, config=SummaryConfig(places=(PLACE,)), inputs={"examples": examples}, outputs=outputs)
    made = store.produce(job, lambda work: {"predictions": write_table(table, "predictions", work, read=len(rows))})
    return made["predictions"]


def test_figures_are_given_for_each_part_that_has_questions(tmp_path: Path, resources: Resources) -> None:
    store = Store(resources.home)
    train = questions(tmp_path, resources, "train", "who is red\tBo", "where\tRome")
    test = questions(
        tmp_path, resources, "test", "who is red?\tbo", "is who red\tBo", "when\t1999", "why\tno", "how\tso"
    )
    overlaps = split_overlap.run(OverlapConfig(), train, test, name="o", resources=resources)
    assert store.row(overlaps).notes == {"question overlap": 2, "answer overlap": 0, "none overlap": 3}
    assert split_overlap.run(OverlapConfig(), train, test, name="o", resources=resources) == overlaps
    asked = predictions(store, test, [True, True, False, True, False])
    config = SummaryConfig(places=(PLACE,), ks=(), resamples=10)
    ref = summarise_predictions.run(config, [asked], overlaps=overlaps, name="m", resources=resources)
    found = {
        (row["split"], row["metric"]): (round(row["value"]), row["n"]) for row in store.open_table(ref).to_pylist()
    }
    assert found == {
        ("test", "em"): (60, 5),
        ("test", "f1"): (60, 5),
        ("test-question-overlap", "em"): (100, 2),
        ("test-question-overlap", "f1"): (100, 2),
        ("test-no-overlap", "em"): (33, 3),
        ("test-no-overlap", "f1"): (33, 3),
    }
    assert summarise_predictions.run(config, [asked], name="m", resources=resources) != ref
