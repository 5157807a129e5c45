"""What `dry_run`, `start_at` and `reuse_run` promise, over a corpus of two steps that are made in no time."""

from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import FlowRunSort

from flows import steps
from flows.ordered import ordered
from flows.resuming import foresee, reused
from flows.stages import before_corpus_start
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.errors import ConfigError, MissingArtifactError
from schemas.orders import RegenerateCorpus
from schemas.resources import Resources
from tests.qamat_core.store.jobs import make_table

pytestmark = pytest.mark.usefixtures("prefect")


def make(text: str, *given: ArtifactRef, name: str, resources: Resources) -> ArtifactRef:
    """A task that makes one small table of others."""
    inputs = {f"given-{number}": ref for number, ref in enumerate(given)}
    return make_table(Store(resources.home), text, name, **inputs)


READ, ANSWER, ASK = (steps._step(name, make) for name in ("ingest passages", "extract answers", "generate questions"))


def corpus_of(text: str, answer: str = "answers") -> Flow[[RegenerateCorpus], ArtifactRef]:
    """Return a flow that makes passages of a text, answers and questions."""

    def work(order: RegenerateCorpus) -> ArtifactRef:
        where = Resources(home=order.home)
        passages = READ(text, name=order.name, resources=where)
        answers = ANSWER(answer, passages, name=f"{order.name}-answers", resources=where)
        return ASK("questions", answers, name=f"{order.name}-questions", resources=where)

    @ordered("two-step-corpus")
    def corpus(order: RegenerateCorpus) -> ArtifactRef:
        """Make them."""
        taken = reused(order)
        foresee(taken, lambda: work(taken), lambda step: before_corpus_start(step, taken))
        return work(taken)

    return corpus


def order_of(home: Path, **fields: Any) -> RegenerateCorpus:
    return RegenerateCorpus.model_validate({"home": str(home), "name": "town", "preset": "toy", **fields})


def made(home: Path) -> list[str]:
    return [row.ref.name for row in Store(home).registry.rows()]


def newest_run() -> tuple[str, str]:
    with get_client(sync_client=True) as client:
        run = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)[0]
    return run.name, str(run.id)


def test_a_dry_run_makes_nothing_and_shows_a_table(home: Path):
    assert corpus_of("a")(order_of(home, name="planned", dry_run=True)) is None
    assert made(home) == []
    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=["planned-plan"]))
    with get_client(sync_client=True) as client:
        (table,) = client.read_artifacts(artifact_filter=wanted)
    assert table.description
    assert table.description.startswith("Plan of planned toy: 0 steps found, 3 to make")
    assert '"state": "waits"' in str(table.data)


def test_start_at_refuses_what_would_have_to_be_made_before_it(home: Path):
    with pytest.raises(ConfigError, match=r"start_at questions: .* 2 steps .* first ingest passages town: leave"):
        corpus_of("a")(order_of(home, start_at="questions"))
    assert made(home) == []
    corpus_of("a")(order_of(home))
    corpus_of("a")(order_of(home, start_at="questions"))
    with pytest.raises(ConfigError, match=r"1 steps .* first extract answers town-answers"):
        corpus_of("a", "others")(order_of(home, start_at="questions"))
    assert len(made(home)) == 3
    corpus_of("a", "others")(order_of(home, start_at="answers"))
    assert len(made(home)) == 5


def test_an_earlier_run_gives_its_order_by_name_and_by_id(home: Path):
    corpus_of("a")(order_of(home, name="first"))
    name, identity = newest_run()
    for called in (name, identity):
        ref = corpus_of("a")(order_of(home, name="other", reuse_run=called))
        assert ref.name == "first-questions"
        assert newest_run()[0] == f"two-step-corpus as {called}"
    assert len(made(home)) == 3


def test_what_an_earlier_run_made_must_be_used(home: Path):
    corpus_of("a")(order_of(home, name="changed"))
    name, identity = newest_run()
    with pytest.raises(ConfigError, match=rf"reuse_run {identity}: of what it made, 3 artifacts would not be used"):
        corpus_of("b")(order_of(home, reuse_run=name))
    assert len(made(home)) == 3


def test_a_run_that_cannot_be_reused_is_named(home: Path):
    with pytest.raises(MissingArtifactError, match="no earlier run of two-step-corpus has this name or id"):
        corpus_of("a")(order_of(home, reuse_run="nothing"))
    corpus_of("a")(order_of(home, name="again"))
    corpus_of("a")(order_of(home, reuse_run=newest_run()[1]))
    with pytest.raises(ConfigError, match=r"has its order from .*: name that run"):
        corpus_of("a")(order_of(home, reuse_run=newest_run()[1]))
