"""A study: the models that the tables need, each trained once for every seed and memory, and what they answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flows import steps
from flows.corpus import Corpus
from flows.training import finetune, initialise, train_global, train_inbatch, with_index
from schemas.artifacts import ArtifactRef, Memory, Name, Pretrained
from schemas.evaluation import MemoryName, Place, RecallName, SummaryConfig
from schemas.preset_models import ModelSize, Preset, TrainingPreset
from schemas.qamat import EvaluationConfig, FinetuneConfig, GlobalConfig
from schemas.resources import Resources
from schemas.study_orders import MemoryKind, Reproduce, TableName
from schemas.world import Split
from tasks.build_world import WorldRefs
from tasks.evaluate import EvaluateInputs
from tasks.external_t5 import ImportedRefs
from tasks.mine_negatives import NegativesInputs

Change = Callable[[TrainingPreset], TrainingPreset]
Predictions = Mapping[int, ArtifactRef]
"""The predictions of one run by k."""


@dataclass(frozen=True)
class Model:
    """The stages of one QAMAT: one seed over one memory."""

    inbatch: Pretrained
    global_: Pretrained
    finetuned: Pretrained


@dataclass
class Study:
    """All that the tables have in common."""

    order: Reproduce
    numbers: Preset
    world: WorldRefs
    corpus: Corpus
    resources: Resources
    begin: ImportedRefs | None = None
    """The public T5 that all models start from; None for random weights."""
    first: "Study | None" = None
    """The study over another memory whose in-batch checkpoint the models start from; None for ``begin``."""
    dataset: str = "world"
    """What the single-hop questions are called; other data sets than the world's stand in the names of artifacts."""
    runs: dict[Place, Sequence[ArtifactRef]] = field(default_factory=dict[Place, Sequence[ArtifactRef]])
    """The predictions of every row measured so far, one run a seed: what the claims are judged by."""
    _models: dict[str, Model] = field(default_factory=dict[str, Model])

    @property
    def name(self) -> Name:
        """Begins the names of all artifacts that may depend on the data set."""
        return self.shared if self.dataset == "world" else f"{self.shared}-{self.dataset}"

    @property
    def shared(self) -> Name:
        """Begins the names of what no question decides: studies of several data sets share it."""
        return self.order.name

    @property
    def filling(self) -> ArtifactRef:
        """Return the examples that the closed-book baseline fills in first: of the gold memory, where there is one."""
        return self.memory("generated" if self.order.corpus else "gold").examples

    @property
    def seeds(self) -> range:
        """The seed of every model."""
        return range(self.order.seeds)

    @property
    def split(self) -> Split:
        """The questions that are asked."""
        return self.order.split

    def memory(self, kind: MemoryKind) -> Memory:
        """Return a memory with its pre-training examples."""
        if kind == "generated":
            return Memory(qa_pairs=self.corpus.memory, examples=self.corpus.pretrain_examples)
        inputs = NegativesInputs(self.world.passages, self.world.gold_pairs)
        name = f"{self.shared}-gold"
        mined = steps.mine_negatives(self.numbers.corpus.negatives, inputs, name=name, resources=self.resources)
        return Memory(qa_pairs=self.world.gold_pairs, examples=mined.pretrain_examples)

    def model(self, kind: MemoryKind, seed: int, variant: str = "", change: Change = lambda stages: stages) -> Model:
        """Return the QAMAT of a seed over a memory, trained when it is first asked for.

        A ``variant`` is the name of a ``change`` to the preset's stages.
        """
        name = "-".join(filter(None, (self.name, kind, variant, f"s{seed}")))
        if name not in self._models:
            config = change(self.numbers.training.seeded(seed))
            self._models[name] = self._train(config, self.start(seed), kind, name)
        return self._models[name]

    def sized(self, kind: MemoryKind, seed: int, size: ModelSize) -> Model:
        """Return the QAMAT of a size of the preset, trained when it is first asked for."""
        if size == self.numbers.size:
            return self.model(kind, seed)
        name = f"{self.name}-{kind}-{size}-s{seed}"
        if name not in self._models:
            config = self.numbers.sizes[size].seeded(seed)
            tokenizer, begun = self.corpus.tokenizer, f"{self.shared}-{size}-s{seed}"
            start = initialise(config, tokenizer, name=begun, resources=self.resources)
            self._models[name] = self._train(config, start, kind, name)
        return self._models[name]

    def start(self, seed: int) -> ArtifactRef:
        """Return the checkpoint that the models of a seed start from, whatever their memory."""
        if self.first is not None:
            return self.first.model("gold", seed).inbatch.checkpoint
        if self.begin is not None:
            return self.begin.checkpoint
        config = self.numbers.training.seeded(seed)
        return initialise(config, self.corpus.tokenizer, name=f"{self.shared}-s{seed}", resources=self.resources)

    def _train(self, config: TrainingPreset, start: ArtifactRef, kind: MemoryKind, name: Name) -> Model:
        memory, shared = self.memory(kind), self.shared + name.removeprefix(self.name)
        inbatch = train_inbatch(config, start, memory, name=shared, resources=self.resources)
        stage_two = train_global(config.global_, inbatch, memory, name=shared, resources=self.resources)
        finetuned = self.finetune(config.finetune, stage_two, kind, name)
        return Model(inbatch, stage_two, finetuned)

    def finetune(self, config: FinetuneConfig, start: Pretrained, kind: MemoryKind, name: Name) -> Pretrained:
        """Fine-tune on the data set's training questions."""
        questions = self.world.questions["train"]
        return finetune(config, start, self.memory(kind), questions, name=name, resources=self.resources)

    def only_global(self, kind: MemoryKind, seed: int) -> Pretrained:
        """Return the ablation that skips stage one: both stages' steps over a memory that random weights encode."""
        config = self.numbers.training.seeded(seed)
        name = f"{self.shared}-{kind}-s{seed}-only"
        memory = self.memory(kind)
        start = with_index(config, self.start(seed), memory, name=f"{name}-init", resources=self.resources)
        steps_of_both = config.inbatch.training.steps + config.global_.training.steps
        training = config.global_.training.model_copy(update={"steps": steps_of_both})
        longer = GlobalConfig.model_validate({**dict(config.global_), "training": training})
        return train_global(longer, start, memory, name=name, resources=self.resources)

    def ask(
        self, config: EvaluationConfig, model: Pretrained, questions: ArtifactRef, name: Name, *, closed: bool = False
    ) -> Predictions:
        """Let a model answer questions."""
        inputs = EvaluateInputs(model.checkpoint, questions, None if closed else model.index)
        return steps.evaluate(config, inputs, name=name, resources=self.resources)

    def summarise(
        self,
        places: Sequence[Place],
        runs: Sequence[ArtifactRef],
        name: Name,
        recall_at: tuple[int, ...] = (),
        recall: RecallName = "recall",
    ) -> ArtifactRef:
        """Turn one run a seed into figures that stand at every place."""
        self.runs |= dict.fromkeys(places, tuple(runs))
        config = SummaryConfig(places=tuple(places), ks=recall_at, recall=recall)
        return steps.summarise(config, runs, name=name, resources=self.resources)


def single_hop(study: Study, table: TableName, row: str, memory: MemoryName, **columns: Any) -> Place:
    """Return where figures on the data set's single-hop questions stand; of models of the preset's own size unless
    ``columns`` name another.
    """
    usual = {"dataset": study.dataset, "split": study.split, "model_size": study.numbers.size}
    return Place.model_validate(usual | {"table": table, "row": row, "memory": memory} | columns)


def largest_k(study: Study) -> int:
    """Return the K that every table reads but Table 4, which reads others too."""
    return max(study.numbers.evaluation.single_hop.ks)


def ask_largest(study: Study, model: Pretrained, name: Name, **changes: Any) -> ArtifactRef:
    """Let a model answer the single-hop questions at the largest K alone; ``changes`` are to how it reads."""
    own, k = study.numbers.evaluation.single_hop, largest_k(study)
    config = EvaluationConfig.model_validate({**dict(own), "ks": (k,)} | changes)
    return study.ask(config, model, study.world.questions[study.split], f"{name}-{study.split}")[k]


def ask_finetuned(
    study: Study, kind: MemoryKind, seed: int, size: ModelSize | None = None
) -> Mapping[int, ArtifactRef]:
    """Let the fine-tuned model answer the single-hop questions, that of the preset's own size if none is named."""
    model = study.sized(kind, seed, size or study.numbers.size).finetuned
    label = f"{size}-" if size and size != study.numbers.size else ""
    name = f"{study.name}-{kind}-{label}s{seed}-{study.split}"
    return study.ask(study.numbers.evaluation.single_hop, model, study.world.questions[study.split], name)
