"""What the tables train, as a plan: what is shared is trained once, and nothing is trained that no row needs."""

from collections.abc import Collection
from pathlib import Path

import pytest

from flows.planning import Plan
from flows.reproduce import plan
from schemas.study_orders import Reproduce, TableName

OWN = "world-generated-s0"


def planned(home: Path, tables: Collection[TableName]) -> Plan:
    return plan(Reproduce(preset="smoke", home=str(home), only=tuple(tables), memories=("generated",)))


def made(plan: Plan, module: str) -> set[str]:
    return {
        name for step in plan.steps if step.job.module == f"tasks.{module}" for _, name in step.job.outputs.values()
    }


@pytest.mark.parametrize(
    ("table", "inbatch", "finetuned"),
    [
        ("sizes", {f"{OWN}-inbatch", "world-generated-large-s0-inbatch"}, {"world-generated-large-s0-finetune"}),
        ("table4", {f"{OWN}-inbatch"}, set[str]()),
        ("table6", {f"{OWN}-inbatch"}, {"world-imported-s0-finetune", "world-joined-s0-finetune"}),
        (
            "table7",
            {f"{OWN}-inbatch", "world-generated-examples-5-s0-inbatch", "world-reversed-s0-inbatch"},
            {"world-generated-examples-5-s0-finetune", "world-reversed-s0-finetune"},
        ),
        ("figure7", {f"{OWN}-inbatch"}, set[str]()),
        (
            "integration",
            {f"{OWN}-inbatch"},
            {"world-generated-after-neural-s0-finetune", "world-generated-after-both-s0-finetune"},
        ),
    ],
)
def test_only_what_a_row_changes_is_trained_anew(
    tmp_path: Path, table: TableName, inbatch: set[str], finetuned: set[str]
):
    of_table = planned(tmp_path, [table])
    assert made(of_table, "train_inbatch") == inbatch
    assert made(of_table, "train_finetune") == {f"{OWN}-finetune", *finetuned}


def test_a_row_reads_the_k_that_claims_are_about(tmp_path: Path):
    asked = made(planned(tmp_path, ["table4"]), "evaluate")
    assert {f"{OWN}-deeper-{k}-test-k{k}" for k in (10, 20, 30)} < asked


def test_the_imported_pairs_join_what_is_generated_from_the_passages_that_they_lack(tmp_path: Path):
    by_output = {one: step.job for step in planned(tmp_path, ["table6"]).steps for one in step.job.outputs.values()}
    joined = by_output["qa_pairs", "world-joined"]
    assert joined.inputs["imported-0"].name == "world-imported"
    asked = by_output["answers", "world-joined"]
    assert asked.inputs["passages"].name == "world-complement"
    assert by_output["pretrain_examples", "world-joined"].inputs["passages"].name == "world"
