"""What flows are asked to do: the parameters of deployments and of the command line.

Titles and the docstrings of fields stand in the forms of the Prefect UI.
"""

from typing import Literal, get_args

from pydantic import Field, model_validator

from schemas.artifacts import Name
from schemas.corpus import PairFormat
from schemas.generation import ALL_TASKS, FilterName, GeneratorLengths, GeneratorTask, PromptFormat, RefilterConfig
from schemas.order_forms import (
    BeamOrder,
    Form,
    Home,
    Order,
    PublicT5,
    QuestionsFile,
    Resumable,
    Revision,
    Run,
    TrainingOrder,
)
from schemas.places import ModelPlace, PassagesPlace, Place
from schemas.promotion import GateConfig
from schemas.qamat import Backend
from schemas.resources import Processes, Resources
from schemas.training import MeshShape

Stage = Literal["inbatch", "global", "finetune", "multihop"]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""In the order in which they are trained."""
LaterStage = Literal["global", "finetune", "multihop"]
CorpusStage = Literal["generators", "answers", "questions", "filter", "memory", "examples"]
"""What a corpus goes through after its passages."""


class Generators(Form):
    """A registered generator for each task; one is trained for the tasks that are left empty."""

    extraction: Name | None = None
    """Finds answers in passages."""
    generation: Name | None = None
    """Asks a question about an answer."""
    comprehension: Name | None = None
    """Answers a question from a passage: the reader of either filter."""


class RegenerateCorpus(Resumable, Order):
    """Make a memory of passages anew: of the embedded world corpus, or of files."""

    name: Name = Field(default="world", max_length=45, title="Corpus name")
    """Names every artifact of the corpus: lower-case letters, digits, hyphens."""
    passages: tuple[PassagesPlace, ...] = Field(default=(), title="Passage files")
    """Files of passages (DPR TSV, JSONL, Wikipedia XML, SQuAD, HotpotQA, MuSiQue; packed or in a tar or zip too), or
    wiki-vital; none for the embedded world corpus."""
    squad: Place | None = Field(default=None, title="SQuAD file")
    """A SQuAD JSON that generators are trained on; none for the annotations that stand in the passage files."""
    passages_from: Name | None = Field(default=None, title="Registered passages")
    """Passages that are registered, such as a complement, in the place of files."""
    examples_from: Name | None = Field(default=None, title="Registered passages of the examples")
    """Registered passages that the training examples are made of, such as all of Wikipedia when questions are asked
    about a complement alone; none for the passages that are asked about."""
    imported: tuple[Name, ...] = Field(default=(), title="Imported pairs")
    """Registered pairs (``qa_pairs``) that join the memory."""
    generators: Generators = Field(default=Generators(), title="Registered generators")
    """Generators that are there already, trained or imported."""
    filter: FilterName = "reading-comprehension"
    """What judges a question: reading its own passage (the paper), or what is found for it in all passages (PAQ)."""
    start_at: CorpusStage | None = Field(default=None, title="Start at")
    """The first stage that may be made: passages, generators, answers, questions, filter, memory, examples follow each
    other. What comes before must be found as this order makes it, else the run is refused with the first step that is
    not. None to make whatever is missing."""

    @property
    def label(self) -> str:
        """Which corpus, of what size."""
        return f"{self.name} {self.preset}"

    @model_validator(mode="after")
    def _check(self) -> "RegenerateCorpus":
        if self.passages and self.passages_from:
            raise ValueError("give the passages either as files or by the name under which they are registered")
        return self


class ImportGenerator(Form):
    """Register a T5 that was trained elsewhere as a generator."""

    source: ModelPlace
    """A directory that transformers or T5X saved it in, on the worker's machine, or a hub id: org/name."""
    name: Name = Field(title="Generator name")
    """Names the checkpoint and its tokenizer."""
    prompts: PromptFormat
    """What it reads for each task, as it was trained."""
    lengths: GeneratorLengths = GeneratorLengths(passage=384, question=32, answer=32)
    """In pieces; what is longer is cut."""
    tasks: tuple[GeneratorTask, ...] = Field(default=ALL_TASKS, min_length=1)
    """What it was trained for."""
    revision: Revision = "main"
    """Of a hub id: a branch, a tag or a commit."""
    tokenizer: Place | None = None
    """A spiece.model, where the source has none."""
    home: Home
    """The folder of the artifacts."""


class ImportStart(PublicT5):
    """Register a public T5 as what QAMAT starts from."""

    name: Name = Field(title="Checkpoint name")
    """Names the checkpoint and its tokenizer."""
    home: Home
    """The folder of the artifacts."""


class ImportPairs(BeamOrder):
    """Bring in a corpus of question-answer pairs that others made."""

    paths: tuple[Place, ...] = Field(min_length=1, title="Files")
    """Files of the corpus, packed or in archives too; of a folder all files."""
    format: PairFormat | None = None
    """None to tell it from the beginning of the first file."""
    name: Name | None = Field(default=None, title="Corpus name")
    """Names the pairs, their spans, duplicates and rejects; none for the format's name."""
    origin: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]*$")
    """What every pair says that it comes from; none for the format's name."""
    passages: Name | None = Field(default=None, title="Registered passages")
    """Passages that the pairs are joined to by source and source id."""


class ComplementPassages(BeamOrder):
    """Find the passages that imported corpora do not cover."""

    passages: Name
    """All passages."""
    imported: tuple[Name, ...] = Field(min_length=1, title="Imported corpora")
    """The corpora whose spans say what is covered."""
    name: Name | None = None
    """Names the passages that are left; none for PASSAGES-complement."""


class CountCorpus(Form):
    """Count what a memory is made of, as Table 1 does."""

    name: Name
    """The memory (``qa_pairs``)."""
    home: Home
    """The folder of the artifacts."""


class RefilterCorpus(Order):
    """Make a memory of a regenerated corpus by another filter or rule; nothing is generated again."""

    name: Name = Field(title="Corpus name")
    """The corpus whose answers, questions and verdicts are taken."""
    to: Name = Field(title="New name")
    """Names the verdicts, the memory and the training examples that come of it."""
    filter: FilterName | None = None
    """The filter that judges all questions anew, with the corpus's own reader; none to keep what was read."""
    rule: RefilterConfig = RefilterConfig()
    """Which pairs are kept."""


class TrainQamat(Resumable, TrainingOrder):
    """Train QAMAT over a memory; a stage that is not named is found made already."""

    memory: Name = "world"
    """The memory (``qa_pairs``) with the pre-training examples of the same name."""
    corpus: Name | None = None
    """The corpus whose tokenizer a model from random weights reads by; none for that of the memory's name. With a
    start, leave it empty: the start has its own."""
    start: Name | None = Field(default=None, title="Start")
    """The checkpoint that the in-batch stage starts from: a public T5 that was brought in, or a QAMAT of ours, such as
    hotpotqa-inbatch for MuSiQue. The model has its tokenizer and its shape, and later stages go on with them; a QAMAT
    from random weights needs the preset that it was made with. None for random weights."""
    name: Name = Field(default="world", max_length=55, title="Model name")
    """Names the model: its checkpoints are called NAME-inbatch, NAME-global, NAME-finetune, NAME-multihop. Lower-case
    letters, digits, hyphens; short enough that these are names too."""
    stages: tuple[Stage, ...] = Field(default=("inbatch", "global", "finetune"), min_length=1)
    """What is trained, in this order whatever order they are given in."""
    questions: Name = Field(default="world-train", title="Training questions")
    """The questions (``qa_examples``) that fine-tuning and multi-hop learn from."""
    file: QuestionsFile | None = Field(default=None, title="Questions file")
    """Questions to learn from that are read from a file, in the place of registered training questions."""
    seed: int = Field(default=0, ge=0)
    """Decides the starting weights and the order of examples."""
    processes: Processes | None = Field(default=None, title="Processes")
    """This process among several that train together; each gets the same order but for its index."""
    start_at: LaterStage | None = Field(default=None, title="Start at")
    """The first of the stages that may be trained. The stages before it must be found as this order trains them (same
    memory, preset, seed and code), else the run is refused with the first step that is not. A stage that is not among
    the stages is found by its name alone. None to train whatever is missing."""

    @property
    def label(self) -> str:
        """Which model, of what size and seed."""
        return f"{self.name} {self.preset} s{self.seed}"

    def resources(self) -> Resources:
        """Return how the jobs of this order run."""
        return super().resources().model_copy(update={"processes": self.processes})

    @model_validator(mode="after")
    def _check(self) -> "TrainQamat":
        if self.start and "inbatch" not in self.stages:
            raise ValueError("start is where the stage inbatch starts: name that stage too, or leave start out")
        wanted = [stage for stage in STAGES if stage in self.stages]
        if self.start_at and self.start_at not in wanted[1:]:
            raise ValueError(
                f"start_at {self.start_at} says that stages before it are found: name it and one before it as stages, "
                "or leave start_at out"
            )
        return self


class BuildIndex(Run):
    """Encode a memory for a checkpoint, by the encoder and in the type of the index that it was trained over."""

    checkpoint: Name
    """What is to search the index, such as world-finetune."""
    memory: Name
    """The memory (``qa_pairs``) that is encoded."""
    backend: Backend = "exact"
    """What searches it: ``exact`` needs the index alone, ``int8`` keys of eight bits, ``scann`` an approximate tree."""
    mesh: MeshShape = Field(default=MeshShape(), title="Mesh of devices")
    """Which devices divide each batch."""
    processes: Processes | None = Field(default=None, title="Processes")
    """This process among several that encode together; each gets the same order but for its index."""

    @property
    def label(self) -> str:
        """Which memory, for which checkpoint."""
        return f"{self.memory} for {self.checkpoint}"


class EditMemory(Form):
    """Add, replace and delete entries of a memory: its next version."""

    memory: Name
    """The memory (``qa_pairs``) that is edited."""
    edits: Place = Field(title="File of edits")
    """JSON lines on the worker's machine: ``op`` is add, replace or delete (docs/updates.md)."""
    home: Home
    """The folder of the artifacts."""


class Evaluate(Run):
    """Measure a checkpoint on the questions of a data set."""

    checkpoint: Name
    """What is measured, such as world-finetune."""
    memory: Name | None = None
    """The memory (``qa_pairs``) that is searched; None for the one that the checkpoint was trained over."""
    backend: Backend = "exact"
    """What searches it; others than ``exact`` are made by `qamat index build --backend`."""
    questions: Name | None = None
    """Questions (``qa_examples``) that are registered; None for those of ``file``."""
    file: QuestionsFile | None = Field(default=None, title="Questions file")
    """Questions read from a file."""
    against: Name | None = Field(default=None, title="Training questions")
    """Training questions (``qa_examples``): figures are also given by the overlap of the questions with these."""

    @property
    def label(self) -> str:
        """Which checkpoint, on which questions."""
        asked = self.questions or (f"{self.file.dataset} {self.file.split}" if self.file else "")
        return f"{self.checkpoint} on {asked}"

    @model_validator(mode="after")
    def _check(self) -> "Evaluate":
        if (self.questions is None) == (self.file is None):
            raise ValueError("give the questions either by name or as a file")
        return self


class Promote(Evaluate):
    """Put a model, its index and its memory into use, if they pass the gate."""

    checkpoint: Name
    """The model, such as world-finetune."""
    against: Name | None = Field(default=None, title="Training questions")
    """Questions (``qa_examples``) that leakage is measured by; None for those that each model was trained on."""
    tag: Name = "production"
    """What is moved where the gate is passed; what it names now is the champion."""
    name: Name | None = Field(default=None, title="Bundle name")
    """Names the bundle and its verdict; none for the checkpoint's name."""
    gate: GateConfig = Field(default=GateConfig(), title="Gate")
    """What has to be reached, and how it is measured."""

    @property
    def label(self) -> str:
        """Which model, under which tag."""
        return f"{self.checkpoint} as {self.tag}"
