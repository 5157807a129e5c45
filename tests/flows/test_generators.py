"""Generators that are there already: imported by a flow, found by name, taken in the place of one trained here."""

from pathlib import Path

import pytest
from prefect import flow

from flows import steps
from flows.corpus import GeneratorRefs, make_generators, regenerate_corpus
from flows.generators import find_generators, import_generator
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.errors import IncompatibleArtifactError, MissingArtifactError
from schemas.generation import ALL_TASKS, GeneratorLengths, GeneratorTask
from schemas.orders import Generators, ImportGenerator, RegenerateCorpus
from schemas.presets import preset
from schemas.prompts import PLAIN
from schemas.resources import Resources
from tasks.train_generator import GeneratorInputs
from tests.qamat_core.store.jobs import make_table
from tests.qamat_core.t5.checkpoints.foreign import SHAPE, save_huggingface, state, tokenizer

pytestmark = pytest.mark.usefixtures("prefect")


def order(tmp_path: Path, home: Path, *tasks: GeneratorTask) -> ImportGenerator:
    """Ask for a small T5 that is saved first."""
    directory = save_huggingface(tmp_path / "t5", SHAPE, state(SHAPE))
    tokenizer().save(directory)
    lengths = GeneratorLengths(passage=48, question=8, answer=8)
    return ImportGenerator(
        source=str(directory), name="foreign", prompts=PLAIN, lengths=lengths, tasks=tasks or ALL_TASKS, home=str(home)
    )


def test_an_import_is_made_once_and_found_by_name(tmp_path: Path, home: Path):
    with steps.counting() as tally:
        made, again = (import_generator(order(tmp_path, home)) for _ in range(2))
    assert made == again
    assert (tally.computed, tally.reused) == (1, 1)
    names = Generators(generation="foreign", comprehension="foreign")
    assert find_generators(names, str(home)) == {"generation": made.checkpoint, "comprehension": made.checkpoint}
    assert find_generators(Generators(), str(home)) == {}


def test_what_is_no_generator_of_the_task_is_refused_before_any_work(tmp_path: Path, home: Path):
    import_generator(order(tmp_path, home, "generation"))
    for names, error in (
        (Generators(extraction="foreign"), IncompatibleArtifactError),
        (Generators(extraction="nobody"), MissingArtifactError),
    ):
        before = len(Store(home).registry.rows())
        with pytest.raises(error):
            regenerate_corpus(RegenerateCorpus(preset="toy", home=str(home), generators=names))
        assert len(Store(home).registry.rows()) == before


@pytest.mark.parametrize("given", [ALL_TASKS, ("extraction",), ()])
def test_one_is_trained_for_the_tasks_that_have_none(
    given: tuple[GeneratorTask, ...], store: Store, monkeypatch: pytest.MonkeyPatch
):
    there, trained = make_table(store, "there"), make_table(store, "trained")
    calls: list[str] = []

    def train(*_: object, name: str, resources: Resources) -> ArtifactRef:
        calls.append(name)
        return trained

    monkeypatch.setattr(steps, "train_generator", train)

    @flow(name="test")
    def make() -> GeneratorRefs:
        inputs = GeneratorInputs(there, there, there)
        config = preset("toy").corpus.generator
        resources = Resources(home=str(store.home))
        return make_generators(config, inputs, dict.fromkeys(given, there), name="n", resources=resources)

    made = make()
    assert made == GeneratorRefs.model_validate({task: there if task in given else trained for task in ALL_TASKS})
    assert len(calls) == (given != ALL_TASKS)


@pytest.mark.slow
def test_a_corpus_made_with_registered_generators_equals_the_one_made_with_their_training(home: Path):
    first = regenerate_corpus(RegenerateCorpus(preset="toy", home=str(home), name="first"))
    names = Generators(extraction="first", generation="first", comprehension="first")
    second = regenerate_corpus(RegenerateCorpus(preset="toy", home=str(home), name="second", generators=names))
    assert second.generators == first.generators
    assert second.memory.content == first.memory.content
    assert "second" not in {row.ref.name for row in Store(home).registry.rows() if row.ref.kind == "checkpoint"}
