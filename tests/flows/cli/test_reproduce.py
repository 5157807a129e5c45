"""`qamat reproduce --plan`: what would be made, without a server, and nothing is made."""

import os
from pathlib import Path
from typing import get_args

import pytest

from qamat_core.store.store import Store
from schemas.study_orders import TableName
from tests.qamat_core.t5.checkpoints.foreign import SHAPE, save_huggingface, state, tokenizer


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command sets is undone."""
    monkeypatch.setattr(os, "environ", os.environ.copy())


def test_a_plan_is_printed_and_nothing_is_made(qamat, home: Path):
    said = qamat("reproduce", "--preset", "toy", "--only", "table1,figure7", "--plan")
    assert said.code == 0, said.err
    *steps, _, total = said.out.splitlines()
    assert total == f"Plan of toy, 1 seed: 0 steps found, {len(steps) - 1} to make, how long is not known"
    assert any(line.startswith("audit corpus") and line.endswith(" 1") for line in steps)
    assert not Store(home).registry.rows()
    assert not (home / "prefect" / "server.log").exists()


def test_a_plan_is_an_object_too(qamat):
    found = qamat("reproduce", "--preset", "toy", "--only", "table1", "--plan", "--json").json
    assert (found["plan"], found["found"], found["minutes"]) == ("toy, 1 seed", 0, 0)
    assert found["to_make"] == found["unknown"] == len(found["steps"])
    assert {one["state"] for one in found["steps"]} == {"to make", "waits"}


def test_a_t5_comes_before_the_plan_that_has_its_shape(refused, tmp_path: Path):
    t5 = SHAPE.model_copy(update={"vocab_size": 145})
    source = save_huggingface(tmp_path / "t5", t5, state(t5))
    tokenizer().save(source)
    line = refused("reproduce", "--preset", "toy", "--from", source, "--plan")
    assert line == (
        f"qamat: {source}: its shape decides the plan; bring it in first: "
        f"qamat train init --from {source} --name world-t5"
    )


def test_a_table_that_there_is_not_is_refused_with_those_there_are(refused):
    line = refused("reproduce", "--only", "table9", "--plan")
    assert all(table in line for table in get_args(TableName))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset", "nq=train,dev"], "--dataset nq=train,dev: give NAME=TRAIN,DEV,TEST, such as nq=train.jsonl,"),
        (["--corpus", "wiki"], "the world's questions are not about this corpus: give data sets to ask too"),
        (["--corpus", "wiki", "--dataset", "nq=a,b,c", "--only", "table3"], "table3 needs the embedded world's facts"),
        (["--corpus", "wiki", "--dataset", "nq=a,b,c"], "qa_pairs/wiki is not registered"),
        (["--dataset", "nq=a,b,c", "--dataset", "nq=d,e,f"], "two data sets have one name"),
        (["--dataset", "nq=nobody,b,c", "--only", "table5"], "qa_examples/nobody is not registered"),
        (["--dataset", "nq=no.jsonl,b,c", "--only", "table5"], "no.jsonl"),
    ],
)
def test_wrong_data_sets_are_refused_in_one_line(refused, arguments: list[str], words: str):
    assert words in refused("reproduce", "--preset", "toy", *arguments, "--plan")
