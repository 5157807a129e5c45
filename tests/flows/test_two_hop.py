"""Table 3 as a plan: every job that its flow asks for, without making anything."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from flows.corpus import Corpus
from flows.study import Study
from flows.two_hop import table3
from qamat_core.claims import comparisons
from qamat_core.store.planning import placeholders, planning
from qamat_core.store.store import Job
from schemas.artifacts import ArtifactRef
from schemas.presets import preset
from schemas.resources import Resources
from schemas.study_orders import Reproduce
from tasks import build_world

SETS = ("world-two-hop", "world-b-two-hop")


class Planner:
    """Keeps the job of every artifact that is asked for, by kind and name."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}

    def ask(self, job: Job) -> Mapping[str, ArtifactRef]:
        self.jobs |= {f"{kind}/{name}": job for kind, name in job.outputs.values()}
        return placeholders(job)


@pytest.fixture
def jobs() -> Iterator[dict[str, Job]]:
    """Plan every job that is asked for in the place of doing it."""
    planner = Planner()
    with planning(planner):
        yield planner.jobs


@pytest.fixture
def study(jobs: dict[str, Job], home: Path) -> Study:
    del jobs
    numbers, resources = preset("toy"), Resources(home=str(home))
    world = build_world.run(numbers.world, name="world", resources=resources)
    corpus = Corpus.model_construct(tokenizer=world.passages.model_copy(update={"kind": "tokenizer"}))
    return Study(Reproduce(home=str(home), preset="toy"), numbers, world, corpus, resources)


def start(jobs: dict[str, Job], checkpoint: str) -> str:
    return jobs[f"checkpoint/{checkpoint}"].inputs["start"].name


def test_every_row_stands_on_both_sets(study: Study) -> None:
    assert len(table3(study)) == 9
    everywhere = {"QAMAT", "QAMAT+", "RePAQ", "Closed-book T5"}
    for dataset, more in zip(SETS, (set[str](), {"QAMAT+ without HotpotQA's start"}), strict=True):
        assert {place.row for place in study.runs if place.dataset == dataset} == everywhere | more
    memories = {(place.row == "Closed-book T5", place.memory) for place in study.runs}
    assert memories == {(True, "none"), (False, "gold")}


def test_its_claims_are_judged(study: Study) -> None:
    table3(study)
    judged = [(claim.id, first.dataset, second.row) for claim, first, second in comparisons(study.runs)]
    assert judged == [
        *(("two-rounds", dataset, "QAMAT") for dataset in SETS),
        ("hotpotqa-start", SETS[1], "QAMAT+ without HotpotQA's start"),
    ]


def test_the_second_set_starts_from_the_first_ones_in_batch_checkpoint(study: Study, jobs: dict[str, Job]) -> None:
    table3(study)
    assert start(jobs, "world-gold-s0-inbatch") == "world-s0-init"
    assert start(jobs, "world-b-gold-s0-inbatch") == "world-gold-s0-inbatch"
    assert start(jobs, "world-b-gold-alone-s0-inbatch") == "world-b-s0-init"
    for name, begun in (("gold-s0", "gold-s0"), ("gold-alone-s0", "gold-alone-s0")):
        assert start(jobs, f"world-b-{name}-two-hop-plus-multihop") == f"world-b-{begun}-finetune"
    alone, begun = (jobs[f"checkpoint/world-b-gold-{name}s0-inbatch"] for name in ("alone-", ""))
    assert (alone.config, alone.inputs["memory"]) == (begun.config, begun.inputs["memory"]), "they differ in the start"


def test_baselines_start_as_far_as_qamat_has_come(study: Study, jobs: dict[str, Job]) -> None:
    table3(study)
    for name in ("world", "world-b"):
        assert start(jobs, f"{name}-gold-s0-two-hop-repaq") == f"{name}-gold-s0-inbatch"
        assert start(jobs, f"{name}-s0-two-hop-closed-book") == "world-s0-closed-book"
    questions = {job.inputs["questions"].name for job in jobs.values() if job.module == "tasks.train_repaq"}
    assert questions == {"world-two-hop-train", "world-b-two-hop-train"}
