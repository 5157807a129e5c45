"""A change of code, data, seed or setting changes the keys of what comes of it, and no others.

What should change is found apart from the store: by the imports that grimp sees, and by the graph of a plan.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import grimp
import pytest

import flows.reproduce
from flows.planning import Plan, PlannedStep
from flows.reproduce import plan
from qamat_core.store import fingerprint
from schemas.artifacts import LONGEST_NAME
from schemas.preset_models import Preset, TrainingPreset
from schemas.presets import preset
from schemas.study_orders import Reproduce, TableName

TRAINED_BY_SEED = {
    *("tasks.init_qamat", "tasks.train_inbatch", "tasks.train_global", "tasks.train_finetune"),
    *("tasks.train_multihop", "tasks.train_closed_book", "tasks.train_repaq", "tasks.train_reranker"),
}
Outputs = tuple[tuple[str, str], ...]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


@pytest.fixture(scope="module")
def before(home: Path) -> Plan:
    """All tables of the smallest study, with nothing made."""
    return plan_all(home)


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("tasks", "qamat_core", "schemas", cache_dir=None)


def plan_all(home: Path) -> Plan:
    return plan(Reproduce(preset="toy", home=str(home), only=get_args(TableName)))


def test_all_that_a_study_of_a_longest_name_makes_has_a_name(home: Path):
    longest = Reproduce.model_json_schema()["properties"]["name"]["maxLength"]
    order = Reproduce(preset="toy", home=str(home), only=get_args(TableName), name="a" * longest, seeds=11)
    made = {name for step in plan(order).steps for _, name in step.job.outputs.values()}
    assert len(made) > 100
    assert max(map(len, made)) == LONGEST_NAME, "no bound that is narrower than need be"


def outputs(step: PlannedStep) -> Outputs:
    """What a step makes, by which it is known again when its keys have changed."""
    return tuple(sorted(step.job.outputs.values()))


def keys(made: Plan) -> dict[Outputs, set[str]]:
    found = {outputs(step): set(step.keys.values()) for step in made.steps}
    assert len(found) == len(made.steps)
    return found


def changed(before: Plan, after: Plan) -> set[Outputs]:
    then, now = keys(before), keys(after)
    assert then.keys() == now.keys()
    assert all(then[one] == now[one] or not then[one] & now[one] for one in then)
    return {one for one in then if then[one] != now[one]}


def downstream(made: Plan, modules: Iterable[str], *, first_world: bool = False) -> set[Outputs]:
    """The steps of some modules (those of the first world alone, if so wanted), and what comes of them."""
    maker = {key: number for number, step in enumerate(made.steps) for key in step.keys.values()}
    found = {
        number
        for number, step in enumerate(made.steps)
        if step.job.module in modules and not (first_world and step.name.startswith("world-b"))
    }
    assert found, modules
    for number, step in enumerate(made.steps):  # in their order: what a step reads stands before it
        if any(maker[ref.key] in found for ref in step.job.inputs.values()):
            found.add(number)
    return {outputs(made.steps[number]) for number in found}


@pytest.mark.parametrize(
    "source",
    [
        "qamat_core.evaluation.metrics",
        "qamat_core.masking",
        "qamat_core.qamat.search",
        "qamat_core.report.render",
        "schemas.orders",
        "tasks.train_repaq",
        "tasks.judge_claims",
    ],
)
def test_changed_code_changes_what_it_makes(
    source: str, before: Plan, home: Path, imports: grimp.ImportGraph, monkeypatch: pytest.MonkeyPatch
):
    def digest(module: str) -> str:
        code = fingerprint.code_of(module)
        edited: Mapping[str, str] = {source: "edited"} if source in code["sources"] else {}
        return fingerprint.digest_json({**code, "sources": {**code["sources"], **edited}})

    users = {source, *imports.find_downstream_modules(source)}
    makers = {step.job.module for step in before.steps} & users
    monkeypatch.setattr(fingerprint, "code_digest", digest)
    after = changed(before, plan_all(home))
    assert after == (downstream(before, makers) if makers else set())
    assert len(after) < len(before.steps)


def world(numbers: Preset) -> dict[str, Any]:
    return {"world": edit(numbers.world, world=edit(numbers.world.world, seed=numbers.world.world.seed + 1))}


def negatives(numbers: Preset) -> dict[str, Any]:
    return {"corpus": edit(numbers.corpus, negatives=edit(numbers.corpus.negatives, k1=1.2))}


def generator(numbers: Preset) -> dict[str, Any]:
    stage = numbers.corpus.generator
    return {"corpus": edit(numbers.corpus, generator=edit(stage, training=edit(stage.training, steps=81)))}


def second_stage(numbers: Preset) -> dict[str, Any]:
    stage = numbers.training.global_
    return {"training": edit(numbers.training, global_=edit(stage, training=edit(stage.training, steps=5)))}


def edit(model: Any, **fields: Any) -> Any:
    return model.model_copy(update=fields)


@pytest.mark.parametrize(
    ("change", "maker", "first_world"),
    [
        (world, "tasks.build_world", True),
        (negatives, "tasks.mine_negatives", False),
        (generator, "tasks.train_generator", False),
        (second_stage, "tasks.train_global", True),  # the second two-hop set has stages of its own
    ],
)
def test_a_changed_setting_changes_what_is_made_by_it(
    change: Callable[[Preset], dict[str, Any]],
    maker: str,
    first_world: bool,
    before: Plan,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    numbers = preset("toy")
    monkeypatch.setattr(flows.reproduce, "preset", {"toy": edit(numbers, **change(numbers))}.get)
    assert changed(before, plan_all(home)) == downstream(before, {maker}, first_world=first_world)


def test_a_changed_seed_changes_what_is_trained_with_it(before: Plan, home: Path, monkeypatch: pytest.MonkeyPatch):
    seeded = TrainingPreset.seeded
    monkeypatch.setattr(TrainingPreset, "seeded", lambda stages, seed: seeded(stages, seed + 1))
    assert changed(before, plan_all(home)) == downstream(before, TRAINED_BY_SEED)


def test_another_study_shares_no_key(before: Plan, home: Path):
    other = plan(Reproduce(preset="toy", home=str(home), only=("table2",), name="other"))
    assert not set().union(*keys(before).values()) & set().union(*keys(other).values())
