"""Where the paper's QAMAT starts: a public T5 (a directory or a hub id) -> checkpoint (role "init"), tokenizer."""

from qamat_core.training.checkpoint import CheckpointCard
from schemas.artifacts import ArtifactRef, Name
from schemas.model import T5Config
from schemas.qamat import QamatConfig
from schemas.resources import Resources
from tasks.external_t5 import ImportedRefs, T5Source, import_t5


def run(source: T5Source, *, name: Name, resources: Resources) -> ImportedRefs:
    """Import a T5 as what QAMAT starts from; its own tokenizer has [MASK], <extra_id_0>, and [CLS], <extra_id_99>.

    Raises:
        InputError: there is no such checkpoint, or it cannot be loaded; says why and what to do.
    """
    return import_t5(__name__, None, source, _card, name=name, resources=resources)


def _card(model: T5Config, tokenizer: ArtifactRef) -> CheckpointCard:
    settings = {"model": QamatConfig(t5=model).model_dump(mode="json")}
    return CheckpointCard(role="init", model=model, tokenizer=tokenizer, settings=settings)
