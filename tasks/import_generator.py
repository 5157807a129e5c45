"""A T5 trained elsewhere (a directory or a hub id) -> checkpoint (role "generator"), tokenizer."""

from qamat_core.generation.training import STAGE
from qamat_core.training.checkpoint import CheckpointCard
from schemas.artifacts import ArtifactRef, Name
from schemas.generation import GeneratorConfig, ImportGeneratorConfig
from schemas.model import T5Config
from schemas.resources import Resources
from tasks.external_t5 import ImportedRefs, T5Source, import_t5


def run(config: ImportGeneratorConfig, source: T5Source, *, name: Name, resources: Resources) -> ImportedRefs:
    """Import a T5 as a generator; files that were imported before are found again, wherever they lie now.

    Raises:
        InputError: there is no such checkpoint, or it cannot be loaded; says why and what to do.
    """

    def card(model: T5Config, tokenizer: ArtifactRef) -> CheckpointCard:
        settings = GeneratorConfig(model=model, prompts=config.prompts, lengths=config.lengths, tasks=config.tasks)
        return CheckpointCard(role=STAGE, model=model, tokenizer=tokenizer, settings=settings.model_dump(mode="json"))

    return import_t5(__name__, config, source, card, name=name, resources=resources)
