"""Where QAMAT starts: a tokenizer -> checkpoint with random weights. (The paper starts from a public T5.)"""

from collections.abc import Mapping
from pathlib import Path

from qamat_core.store.store import DirectoryDraft, Job, Store
from qamat_core.t5.initialize import fit_vocabulary, init_params
from qamat_core.t5.network import T5
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import CheckpointCard, save_checkpoint
from schemas.artifacts import ArtifactRef, Name
from schemas.qamat import InitConfig
from schemas.resources import Resources


def run(config: InitConfig, tokenizer: ArtifactRef, *, name: Name, resources: Resources) -> ArtifactRef:
    """Draw random weights; the vocabulary fits the tokenizer."""
    store = Store(resources.home)
    job = Job(
        module=__name__,
        config=config,
        inputs={"tokenizer": tokenizer},
        outputs={"checkpoint": ("checkpoint", name)},
    )

    def build(work: Path) -> Mapping[str, DirectoryDraft]:
        t5 = fit_vocabulary(config.model.t5, Tokenizer.load(store.open_directory(tokenizer)))
        card = CheckpointCard(role="init", model=t5, tokenizer=tokenizer, settings=config.model_dump(mode="json"))
        save_checkpoint(work / "checkpoint", init_params(T5(t5), config.seed), card, [])
        return {"checkpoint": DirectoryDraft(work / "checkpoint")}

    return store.produce(job, build)["checkpoint"]
