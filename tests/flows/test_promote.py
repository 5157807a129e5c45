"""Promotion: a gate decides whether a bundle takes the place of the one in use; only then a tag moves."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import flows.promote
from flows.promote import promote
from qamat_core.promotion.bundle import Bundle
from qamat_core.store.store import Store
from qamat_core.store.tags import current_tags, find_tag, history, move_tag, roll_back
from schemas.artifacts import ArtifactRef
from schemas.errors import PromotionError
from schemas.orders import Promote
from schemas.promotion import GateConfig, Thresholds
from tasks.judge_bundle import load_verdict
from tests.qamat_core.qamat import tiny
from tests.tasks.corpus import example, register
from tests.tasks.tiny_home import make_checkpoint

pytestmark = pytest.mark.usefixtures("prefect")

NO_FLOORS = {"min_questions": 5, "min_em": 0, "min_recall": 0, "min_auroc": 0, "max_leakage": 100}
LENIENT = Thresholds.model_validate({**NO_FLOORS, "min_relative_speed": 0})
"""Times of a tiny model say nothing, nor do its answers."""


@pytest.fixture(scope="module")
def models(askable: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A home with ten questions, and a second model over the same index."""
    store = Store(shutil.copytree(askable, tmp_path_factory.mktemp("promote") / "home"))
    asked = [example(number, f"Where does {name} live?", tiny.TOWNS[number]) for number, name in enumerate(tiny.PEOPLE)]
    register(store, "qa_examples", "asked", asked)
    encoder, index = store.newest("checkpoint", "encoder"), store.newest("index", "encoder")
    given = {"index": index, "start": encoder}
    make_checkpoint(store, store.newest("tokenizer", "m"), "second", 1.0, given)
    given["questions"] = store.newest("qa_examples", "asked")
    make_checkpoint(store, store.newest("tokenizer", "m"), "cheat", 1.0, given)
    return store


@pytest.fixture
def order(models: Store, request: pytest.FixtureRequest) -> Callable[..., Promote]:
    """Orders of a tag that only this test moves."""

    def ordered(checkpoint: str, thresholds: Thresholds = LENIENT) -> Promote:
        gate = GateConfig(thresholds=thresholds, recall_at=2, timed_questions=2, timed_rounds=2)
        tag = request.node.name.replace("_", "-")[:60]
        return Promote(
            checkpoint=checkpoint, questions="asked", gate=gate, tag=tag, home=str(models.home), name=checkpoint
        )

    return ordered


def test_the_first_is_held_against_absolute_thresholds_alone(models: Store, order: Callable[..., Promote]):
    made = promote(order("tuned"))
    verdict = load_verdict(models, made.verdict)
    assert verdict.passed
    assert verdict.beside is None
    assert {check.champion for check in verdict.checks} == {None}
    assert verdict.measured.questions == 10
    assert verdict.measured.speed > 0
    assert find_tag(models.registry, made.tag.name).target == verdict.candidate
    bundle = Bundle.load(models.open_directory(verdict.candidate))
    assert bundle.checkpoint == models.newest("checkpoint", "tuned")
    assert bundle.memory == models.newest("qa_pairs", "m")
    assert bundle.encoder == models.newest("checkpoint", "encoder").content
    assert bundle.passages == (models.newest("passages", "m"),)


def test_what_is_right_about_nothing_is_not_put_into_use_by_default(models: Store, order: Callable[..., Promote]):
    with pytest.raises(PromotionError, match=r"em is 0.00, at least 1.00 wanted \(min_em\)"):
        promote(order("tuned", Thresholds(min_questions=5)))
    assert order("tuned").tag not in current_tags(models.registry)


def test_what_does_not_pass_moves_nothing_and_is_told_with_both_figures(models: Store, order: Callable[..., Promote]):
    with pytest.raises(PromotionError, match=r"^bundle/tuned@\d+ does not pass the gate of .*: speed is ") as refused:
        promote(order("tuned", LENIENT.model_copy(update={"min_speed": 1e9})))
    assert "at least 1000000000.00 wanted (min_speed). See gate/tuned@" in str(refused.value)
    assert order("tuned").tag not in current_tags(models.registry)

    first = promote(order("tuned"))
    with pytest.raises(PromotionError, match=r"relative_speed is .*, at least 1000.00 wanted .*champion has 1.00"):
        promote(order("second", LENIENT.model_copy(update={"min_relative_speed": 1000.0})))
    assert history(models.registry, first.tag.name) == [first.tag]
    failed = models.row(models.newest("gate", "second"))
    assert failed.notes == {"failed": "min_relative_speed"}
    assert set(failed.inputs) >= {"candidate", "champion", "questions"}


def test_the_next_is_measured_beside_the_champion_and_can_be_rolled_back(models: Store, order: Callable[..., Promote]):
    first = promote(order("tuned"))
    second = promote(order("second"))
    verdict = load_verdict(models, second.verdict)
    assert verdict.champion == first.tag.target
    assert verdict.beside is not None
    assert verdict.beside.em == verdict.measured.em, "the weights are the same"
    assert {check.threshold for check in verdict.checks if check.champion is not None} == {
        *("max_em_drop", "max_recall_drop", "max_auroc_drop", "max_leakage_rise", "min_relative_speed")
    }
    assert second.tag.target != first.tag.target
    assert second.tag.verdict == second.verdict
    assert roll_back(models.registry, second.tag.name).target == first.tag.target


def test_what_is_in_use_already_is_not_measured_again(models: Store, order: Callable[..., Promote]):
    first = promote(order("tuned"))
    count = len(models.registry.rows())
    again = promote(order("tuned"))
    assert again == flows.promote.Promoted(tag=first.tag, verdict=None)
    assert len(models.registry.rows()) == count


def test_a_model_that_learned_the_questions_does_not_pass(models: Store, order: Callable[..., Promote]):
    promote(order("tuned"))
    with pytest.raises(
        PromotionError, match=r"leakage is 100.00, at most 5.00 wanted \(max_leakage_rise, the champion"
    ):
        promote(order("cheat"))


def test_a_tag_that_another_moved_meanwhile_stays_there(
    models: Store, order: Callable[..., Promote], monkeypatch: pytest.MonkeyPatch
):
    first = promote(order("tuned"))
    elsewhere = models.newest("checkpoint", "second")
    judged = flows.promote.judged

    def overtaken(*given: object) -> ArtifactRef:
        ref = judged(*given)  # pyright: ignore[reportArgumentType]
        move_tag(models.registry, first.tag.name, elsewhere)
        return ref

    monkeypatch.setattr(flows.promote, "judged", overtaken)
    with pytest.raises(PromotionError, match=r"\(checkpoint/second@0\) was moved by another meanwhile"):
        promote(order("second"))
    monkeypatch.undo()
    assert find_tag(models.registry, first.tag.name).target == elsewhere
    with pytest.raises(PromotionError, match="names no bundle: give another --tag"):
        promote(order("second"))


def test_where_a_tag_stands_enters_no_key(models: Store, order: Callable[..., Promote]):
    promote(order("tuned"))
    bundles = {row.ref.key for row in models.registry.rows() if row.ref.kind == "bundle"}
    for name in ("tuned", "second"):
        move_tag(models.registry, order(name).tag, models.newest("bundle", name))
        move_tag(models.registry, "staging", models.newest("bundle", name))
    promote(order("tuned"))
    rows = models.registry.rows()
    assert {row.ref.key for row in rows if row.ref.kind == "bundle"} == bundles
    assert not [row for row in rows if any(ref.kind == "tag" for ref in row.inputs.values())]
