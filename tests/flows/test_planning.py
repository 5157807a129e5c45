"""A plan says what is found, what is to be made and for which table, in lines that a terminal holds."""

from pathlib import Path

from flows import steps
from flows.plan_text import WIDTH, lines
from flows.planning import plan_of, wanted_for
from flows.reproduce import plan
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.resources import Resources
from schemas.study_orders import USUAL_TABLES, Reproduce
from tests.qamat_core.store.jobs import make_table


def make(text: str, *given: ArtifactRef, name: str, resources: Resources) -> ArtifactRef:
    """A task that makes one small table of others."""
    inputs = {f"given-{number}": ref for number, ref in enumerate(given)}
    return make_table(Store(resources.home), text, name, **inputs)


STEP = steps._step("make", make)


def test_steps_are_found_or_made_or_wait_for_others(store: Store, home: Path):
    where = Resources(home=str(home))
    root = make("a", name="root", resources=where)
    make("b", root, name="known", resources=where)

    def work() -> None:
        first = STEP("a", name="root", resources=where)
        with wanted_for("table1"):
            STEP("b", first, name="known", resources=where)
            second = STEP("c", first, name="new", resources=where)
        with wanted_for("table2"):
            STEP("d", second, name="last", resources=where)
            STEP("c", first, name="new", resources=where)
        STEP("e", name="report", resources=where)

    before = len(store.registry.rows())
    made = plan_of(work, "a test", str(home), {})
    assert [(one.step, one.name, one.state, one.purposes) for one in made.steps] == [
        ("make", "root", "found", ("table1", "table2")),
        ("make", "known", "found", ("table1",)),
        ("make", "new", "to make", ("table1", "table2")),
        ("make", "last", "waits", ("table2",)),
        ("make", "report", "to make", ("report",)),
    ]
    assert made.tables == ("table1", "table2")
    record = made.record()
    assert (record["found"], record["to_make"], record["unknown"]) == (2, 3, 1)
    assert record["steps"][3]["inputs"] == list(record["steps"][2]["artifacts"].values())
    assert len(store.registry.rows()) == before


def test_a_plan_of_the_paper_is_told_in_some_lines(home: Path):
    made = plan(Reproduce(preset="mini", home=str(home)))
    assert made.tables == USUAL_TABLES
    assert made.missing == list(made.steps)
    short, every = lines(made), lines(made, every=True)
    assert len(short) < 30 < len(made.steps) < len(every)
    assert max(map(len, short + every)) <= WIDTH
    assert short[0].split() == ["step", "makes", "state", "minutes", "for", "tables"]
    assert short[-1].startswith(f"Plan of mini, 1 seed: 0 steps found, {len(made.steps)} to make, about ")
    assert not Store(home).registry.rows()
