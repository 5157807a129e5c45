"""Data sets of one's own: a column each, keys that follow their files, and pre-training that they share."""

from collections import Counter
from pathlib import Path

import pytest

from flows.planning import Plan
from flows.reproduce import plan
from schemas.study_orders import DATASET_TABLES, QuestionSet, Reproduce

SPLITS = ("train", "dev", "test")


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Files of two data sets."""
    for name in ("nq", "webq"):
        for split in SPLITS:
            line = f'{{"question": "who wrote {name} {split}?", "answer": ["Ada"]}}\n'
            (tmp_path / f"{name}-{split}.jsonl").write_text(line)
    return tmp_path


def order(home: Path, folder: Path, *names: str) -> Reproduce:
    datasets = tuple(
        QuestionSet.model_validate(
            {"dataset": name} | {split: str(folder / f"{name}-{split}.jsonl") for split in SPLITS}
        )
        for name in names
    )
    return Reproduce(preset="toy", home=str(home), only=DATASET_TABLES, datasets=datasets)


def names(made: Plan, step: str) -> set[str]:
    return {one.name for one in made.steps if one.step == step}


def test_data_sets_share_what_no_question_decides(home: Path, questions: Path):
    one, two = (plan(order(home, questions, *given)) for given in (["nq"], ["nq", "webq"]))
    assert names(two, "ingest questions") == {f"world-{name}-{split}" for name in ("nq", "webq") for split in SPLITS}
    shared = {"train generator", "build memory", "init QAMAT", "train in-batch", "train global"}
    own = {"fine-tune", "train closed-book", "train RePAQ", "evaluate", "evaluate BM25"}
    counts = [Counter(step.step for step in made.steps) for made in (one, two)]
    extra = {step: counts[1][step] - counts[0][step] for step in shared | own}
    reversed_pairs = {"train in-batch": 1, "train global": 1}  # Table 7 pre-trains on the data set's own questions
    assert {step: extra[step] for step in shared} == dict.fromkeys(shared, 0) | reversed_pairs
    assert all(extra[step] == counts[0][step] for step in own)


def test_figures_stand_in_a_column_of_their_data_set(home: Path, questions: Path):
    made = plan(order(home, questions, "nq", "webq"))
    places = [place for one in made.steps if one.step == "summarise" for place in one.job.config.model_dump()["places"]]
    rows = {name: {(one["table"], one["row"]) for one in places if one["dataset"] == name} for name in ("nq", "webq")}
    assert rows["nq"] == rows["webq"]
    assert {one["dataset"] for one in places} == {"nq", "webq"}
    assert {table for table, _ in rows["nq"]} == {"table2", "table4", "table5", "table7", "figure7"}


def test_a_changed_file_changes_what_asks_its_questions(home: Path, questions: Path):
    given = order(home, questions, "nq", "webq")
    before = {(one.step, one.name): one for one in plan(given).steps}
    file = questions / "nq-test.jsonl"
    file.write_text(file.read_text().replace("Ada", "Ida"))
    after = {(one.step, one.name): one for one in plan(given).steps}
    changed = {one for one in before if before[one].keys != after[one].keys}
    stale = {("ingest questions", "world-nq-test")}
    made_of = {key: one for one, step in before.items() for key in step.keys.values()}
    for one, step in before.items():
        if {made_of[ref.key] for ref in step.job.inputs.values()} & stale:
            stale.add(one)
    assert changed == stale
    assert not {name for step, name in changed if step.startswith(("train", "fine-tune"))}
