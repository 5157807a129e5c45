"""The flow that registers a generator trained elsewhere, and finding generators by their names."""

from pathlib import Path

from prefect import flow

from flows import steps
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.generation import ALL_TASKS, GeneratorTask, ImportGeneratorConfig
from schemas.orders import Generators, ImportGenerator
from schemas.resources import Resources
from tasks.external_t5 import ImportedRefs, T5Source
from tasks.generator_pool import check_generator


@flow(name="import-generator", persist_result=False)
def import_generator(order: ImportGenerator) -> ImportedRefs:
    """Register a T5 of a directory or the hub; what is there already is found."""
    config = ImportGeneratorConfig(prompts=order.prompts, lengths=order.lengths, tasks=order.tasks)
    tokenizer = Path(order.tokenizer) if order.tokenizer is not None else None
    source = T5Source(order.source, order.revision, tokenizer)
    return steps.import_generator(config, source, name=order.name, resources=Resources(home=order.home))


def find_generators(names: Generators, home: str) -> dict[GeneratorTask, ArtifactRef]:
    """Return the newest checkpoint of each generator that is named, by task.

    Raises:
        MissingArtifactError: there is none of that name.
        IncompatibleArtifactError: it is no generator, or none for this task.
    """
    found: dict[GeneratorTask, ArtifactRef] = {}
    for task in ALL_TASKS:
        if (name := getattr(names, task)) is not None:
            found[task] = Store(home).newest("checkpoint", name)
            check_generator(home, found[task], task)
    return found
