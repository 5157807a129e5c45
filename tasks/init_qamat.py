"""Where QAMAT starts: a tokenizer (and a memory) -> checkpoint with random weights.

The paper starts from a public T5. The memory tells how rare words are, where the T5 matches by words.
"""

from collections.abc import Mapping
from pathlib import Path

from qamat_core.store.store import DirectoryDraft, Job, Store
from qamat_core.t5.initialize import fit_vocabulary, init_params, rarity
from qamat_core.t5.network import T5
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import CheckpointCard, save_checkpoint
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import ConfigError
from schemas.qamat import InitConfig
from schemas.resources import Resources


def run(
    config: InitConfig,
    tokenizer: ArtifactRef,
    memory: ArtifactRef | None = None,
    *,
    name: Name,
    resources: Resources,
) -> ArtifactRef:
    """Draw random weights; the vocabulary fits the tokenizer.

    Raises:
        ConfigError: ``word_match`` is set and no memory is given, or the other way about.
    """
    if config.model.t5.word_match != (memory is not None):
        raise ConfigError(f"word_match is {config.model.t5.word_match}: give the memory that weighs words if it is set")
    store = Store(resources.home)
    job = Job(
        module=__name__,
        config=config,
        inputs={"tokenizer": tokenizer} | ({"memory": memory} if memory else {}),
        outputs={"checkpoint": ("checkpoint", name)},
    )

    def build(work: Path) -> Mapping[str, DirectoryDraft]:
        pieces = Tokenizer.load(store.open_directory(tokenizer))
        t5 = fit_vocabulary(config.model.t5, pieces)
        card = CheckpointCard(role="init", model=t5, tokenizer=tokenizer, settings=config.model_dump(mode="json"))
        params = init_params(T5(t5), config.seed)
        if memory:
            questions = store.open_table(memory, ["question"]).column("question").to_pylist()
            weights = rarity(questions, pieces, t5.vocab_size)
            params = {**params, "word_match": {**params["word_match"], "weight": weights}}
        save_checkpoint(work / "checkpoint", params, card, [])
        return {"checkpoint": DirectoryDraft(work / "checkpoint")}

    return store.produce(job, build)["checkpoint"]
