"""Cards say what the home knows, and the hub's own classes read them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from huggingface_hub import DatasetCard, ModelCard

from qamat_core.cards.card import card, size_category
from qamat_core.store.store import DirectoryDraft, Job, Store, TableDraft, write_table
from qamat_core.training.checkpoint import CheckpointCard, save_checkpoint
from schemas.artifacts import ArtifactRef
from schemas.errors import InputError
from schemas.model import T5Config
from schemas.tables import PREDICTIONS, QA_PAIRS, TABLES
from tests.tasks.corpus import Given, pair, passage, register


def directory(store: Store, kind: str, name: str, inputs: dict[str, ArtifactRef], write) -> ArtifactRef:
    def build(work: Path) -> dict[str, DirectoryDraft]:
        (work / "made").mkdir(parents=True)
        write(work / "made")
        return {"made": DirectoryDraft(work / "made")}

    job = Job("tasks.beam", Given(digest=name), inputs, {"made": (kind, name)})
    return store.produce(job, build)["made"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def memory(store: Store) -> ArtifactRef:
    return register(store, "qa_pairs", "m", [pair("q0", "where?", "here"), pair("q1", "who?", "she", origin="paq")])


@pytest.fixture
def checkpoint(store: Store, memory: ArtifactRef) -> ArtifactRef:
    tokenizer = directory(store, "tokenizer", "m", {}, lambda made: (made / "file").write_text("x"))
    known = CheckpointCard(role="finetune", model=T5Config(pointer_head=True), tokenizer=tokenizer, settings={})
    write = lambda made: save_checkpoint(made, {"a": {"b": np.zeros(2)}}, known, [])  # noqa: E731
    return directory(store, "checkpoint", "model", {"memory": memory, "tokenizer": tokenizer}, write)


def answer(store: Store, checkpoint: ArtifactRef, right: list[bool]) -> None:
    asked = [
        {"example_id": f"e{number}", "dataset": "nq", "split": "dev", "question": "?", "answers": ["a"]}
        for number in range(len(right))
    ]
    questions = register(store, "qa_examples", "asked", asked)
    rows = [
        {"example_id": f"e{number}", "question": "?", "answers": ["a"], "prediction": "a", "retrieved_ids": []}
        | {"weights": [], "exact_match": exact, "f1": float(exact), "first_hit": None}
        for number, exact in enumerate(right)
    ]
    job = Job(
        "tasks.beam",
        Given(digest="answered"),
        {"checkpoint": checkpoint, "questions": questions},
        {"predictions": ("predictions", "answered")},
    )
    table = pa.Table.from_pylist(rows, schema=PREDICTIONS)
    store.produce(job, lambda work: {"predictions": write_table(table, "predictions", work, read=len(rows))})


def test_a_models_card_has_its_figures_and_all_that_it_was_made_of(store, memory, checkpoint, tmp_path: Path) -> None:
    answer(store, checkpoint, [True, True, True, False])
    path = tmp_path / "README.md"
    card(store, checkpoint).save(path)
    read = ModelCard.load(path)
    assert read.data.tags == ["qamat", "question-answering", "finetune"]
    found = {
        (one.dataset_name, one.dataset_split, one.metric_type): one.metric_value for one in read.data.eval_results or []
    }
    assert found == {("nq", "dev", "exact_match"): 75.0, ("nq", "dev", "f1"): 75.0}
    assert "| predictions/answered@0 | nq | dev | 4 | 75.0 [25.0, 100.0] |" in read.text
    assert "an aid that the paper's models do not have" in read.text
    for ref in (checkpoint, memory):
        assert f"| {ref} | `{ref.content}` |" in read.text


def test_what_was_not_measured_is_called_missing(store, checkpoint) -> None:
    text = str(card(store, checkpoint))
    assert "Missing: its home has no predictions of it." in text
    assert "model-index" not in text
    assert "synthetic" not in text, "no synthetic world is among what it was made of"


def test_a_memorys_card_counts_its_entries_by_origin(store, memory, tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    card(store, memory).save(path)
    read = DatasetCard.load(path)
    assert (read.data.size_categories, read.data.tags) == ("n<1K", ["qamat", "qa-memory", "gold", "paq"])
    assert "| gold | 1 |\n| paq | 1 |" in read.text
    assert "Missing: it was not audited" in read.text


def test_the_page_of_limitations_says_what_every_card_says(store, memory, checkpoint) -> None:
    page = (Path(__file__).parents[3] / "docs" / "limitations.md").read_text()
    said = page.partition("## What every card says")[2].partition("Of a checkpoint:")[2]
    of_checkpoint, _, of_memory = said.partition("Of a memory:")
    for listed, made in ((of_checkpoint, checkpoint), (of_memory, memory)):
        assert len(bullets(listed)) > 2
        assert bullets(str(card(store, made)).partition("## Limitations")[2]) == bullets(listed)


def test_what_was_trained_elsewhere_has_an_overlap_that_is_not_known(store, memory) -> None:
    imported = made_by("tasks.import_pairs", store, "qa_pairs", "paq")
    generator = made_by("tasks.import_generator", store, "checkpoint", "theirs")
    job = Job(
        "tasks.beam",
        Given(digest="both"),
        {"own": memory, "imported": imported, "generator": generator},
        {"memory": ("qa_pairs", "both")},
    )
    both = pa.Table.from_pylist([pair("q0", "where?", "here")], schema=QA_PAIRS)
    made = store.produce(job, lambda work: {"memory": write_table(both, "qa_pairs", work, read=1)})["memory"]
    limits = bullets(str(card(store, made)).partition("## Limitations")[2])
    unknown = "came from elsewhere; what {} trained on is not recorded here."
    assert f"Overlap that is not known: {imported} {unknown.format('their generators were')}" in limits
    assert f"{generator} {unknown.format('they were')}" in limits
    assert "elsewhere" not in str(card(store, memory))


def made_by(module: str, store: Store, kind, name: str) -> ArtifactRef:
    """Register an empty artifact as if this task had made it."""
    job = Job(module, Given(digest=name), {}, {"made": (kind, name)})

    def build(work: Path) -> dict[str, TableDraft | DirectoryDraft]:
        if kind in TABLES:
            return {"made": write_table(TABLES[kind].empty_table(), kind, work, read=0)}
        (work / "made").mkdir(parents=True)
        (work / "made" / "file").write_text("x")
        return {"made": DirectoryDraft(work / "made")}

    return store.produce(job, build)["made"]


def bullets(text: str) -> list[str]:
    """Return the items of the first list in a text, each in one line."""
    items: list[str] = []
    for line in text.splitlines():
        if line.startswith("- "):
            items.append(line[2:])
        elif line.startswith("  ") and items:
            items[-1] += " " + line.strip()
        elif items:
            break
    return items


def test_other_kinds_have_no_card(store) -> None:
    with pytest.raises(InputError, match="passages/m@0 has no card: name a checkpoint or a memory"):
        card(store, register(store, "passages", "m", [passage(0, "text")]))


@pytest.mark.parametrize(
    ("entries", "named"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (60_000_000, "10M<n<100M"), (10**9, "1B<n<10B")],
)
def test_sizes_have_the_hubs_names(entries: int, named: str) -> None:
    assert size_category(entries) == named
