"""Configuration of the generators: one T5 that extracts answers, asks questions and comprehends passages."""

from string import Formatter
from typing import Literal

from pydantic import Field, model_validator

from schemas.base import Frozen
from schemas.corpus import SourceFile
from schemas.model import T5Config
from schemas.training import TokenizerConfig, TrainingConfig

MARK = "<extra_id_98>"
"""Stands before and after the answer that a question is wanted for: a sentinel that nothing else uses."""


class TrainTokenizerConfig(Frozen):
    """A tokenizer trained on the texts of tables."""

    tokenizer: TokenizerConfig = TokenizerConfig()
    max_texts: int = Field(default=200_000, ge=1)
    """At most so many texts, taken at even distances over each table."""


class PromptFormat(Frozen):
    """What the generator reads for each task, as ``str.format`` templates, and how it writes several answers.

    The defaults name a task by a sentinel (one piece) and mark the answer inside the passage; those of public
    checkpoints stand in ``schemas.prompts``. ``{title}`` may stand in all three.
    """

    extraction: str = "<extra_id_97> {passage}"
    """With ``{passage}``; or with ``{before} {sentence} {after}``, then each sentence is asked about on its own."""
    generation: str = f"<extra_id_96> {{before}} {MARK} {{answer}} {MARK} {{after}}"
    """With ``{answer}`` and either ``{passage}`` or what stands ``{before}`` and ``{after}`` the answer."""
    comprehension: str = "<extra_id_95> {question} <extra_id_94> {passage}"
    answer_separator: str = ""
    """Ends each answer of a text that extraction writes; empty where a text is one answer."""

    @model_validator(mode="after")
    def _check(self) -> "PromptFormat":
        marked = {"before", "sentence", "after"}
        _require("extraction", self.extraction, marked if "{sentence}" in self.extraction else {"passage"})
        around = {"before", "after"} if "{passage}" not in self.generation else {"passage"}
        _require("generation", self.generation, {"answer"} | around)
        _require("comprehension", self.comprehension, {"question", "passage"})
        return self


def _require(task: str, template: str, fields: set[str]) -> None:
    names = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    if names - {"title"} != fields:
        raise ValueError(f"prompt {task!r} has the fields {sorted(names)}: give {sorted(fields)}, and title if wanted")


class GeneratorLengths(Frozen):
    """Lengths in pieces, end token included; what is longer is cut."""

    passage: int = Field(default=64, ge=8)
    """The input of extraction and generation; comprehension reads ``passage + question``."""
    question: int = Field(default=24, ge=4)
    answer: int = Field(default=10, ge=2)


class TaskRows(Frozen):
    """How many rows of a training batch each task gets."""

    extraction: int = Field(default=14, ge=1)
    generation: int = Field(default=34, ge=1)
    comprehension: int = Field(default=16, ge=1)

    @property
    def total(self) -> int:
        """Rows of a whole batch."""
        return self.extraction + self.generation + self.comprehension


FilterName = Literal["reading-comprehension", "open-domain"]
GeneratorTask = Literal["extraction", "generation", "comprehension"]
ALL_TASKS: tuple[GeneratorTask, ...] = ("extraction", "generation", "comprehension")


class GeneratorConfig(Frozen):
    """A generator: its model and what it reads and writes, whether it was trained here or elsewhere."""

    model: T5Config
    prompts: PromptFormat = PromptFormat()
    lengths: GeneratorLengths = GeneratorLengths()
    tasks: tuple[GeneratorTask, ...] = Field(default=ALL_TASKS, min_length=1)
    """What it may be asked for; the prompts of other tasks are never used."""


class TrainGeneratorConfig(GeneratorConfig):
    """A generator that is trained here, on all tasks. ``model.vocab_size`` is replaced by what the tokenizer needs."""

    training: TrainingConfig
    rows: TaskRows = TaskRows()

    @property
    def generator(self) -> GeneratorConfig:
        """What is left when the training is over."""
        return GeneratorConfig.model_validate(self.model_dump(include=set(GeneratorConfig.model_fields)))

    @model_validator(mode="after")
    def _check(self) -> "TrainGeneratorConfig":
        if self.rows.total != self.training.batch_size:
            raise ValueError(f"the tasks' rows add up to {self.rows.total}, not to {self.training.batch_size}")
        if self.tasks != ALL_TASKS:
            raise ValueError(f"tasks {self.tasks}: a generator is trained on all of {ALL_TASKS}")
        if "{sentence}" in self.prompts.extraction or self.prompts.answer_separator:
            raise ValueError("prompts: a generator is trained to write one answer of a whole passage: give {passage}")
        return self


class ImportGeneratorConfig(Frozen):
    """A T5 trained elsewhere as a generator: what no file of it tells."""

    prompts: PromptFormat
    lengths: GeneratorLengths
    tasks: tuple[GeneratorTask, ...] = Field(min_length=1)
    """What it was trained for."""


class ImportedFiles(Frozen):
    """An import with the files that it reads: what decides whether it is done again."""

    importing: ImportGeneratorConfig | None
    """None for the tokenizer, which depends on its files alone."""
    files: tuple[SourceFile, ...] = Field(min_length=1)


class BatchShape(Frozen):
    """The shape of every model call of a job: it is part of the result, so it is part of the configuration."""

    rows: int = Field(default=64, ge=1)
    buckets: tuple[int, ...] = ()
    """Input lengths below the full one to which shorter inputs are padded; each costs a compilation."""
    slots: int | None = Field(default=None, ge=1)
    """So many rows are decoded at a time, and one that has ended gives its slot to the next; None: all at once.

    For greedy decoding. Then many ``rows`` are no waste: those that fill up a batch are not decoded.
    """


def _check_slots(beam_size: int, shape: BatchShape) -> None:
    if beam_size > 1 and shape.slots is not None:
        raise ValueError(f"shape.slots is {shape.slots}: with a beam_size of {beam_size}, leave it out")


class ExtractAnswersConfig(Frozen):
    """Which spans of a passage are tried as answers."""

    beam_size: int = Field(default=6, ge=1)
    """So many candidates a passage (the paper gives no number)."""
    length_penalty: float = Field(default=0.0, ge=0)
    """Exponent of the beam's length penalty; 0 ranks by probability."""
    shape: BatchShape = BatchShape()

    @model_validator(mode="after")
    def _check(self) -> "ExtractAnswersConfig":
        _check_slots(self.beam_size, self.shape)
        return self


class GenerateQuestionsConfig(Frozen):
    """How a question is made for each answer."""

    beam_size: int = Field(default=1, ge=1)
    """1 decodes greedily; otherwise the best of so many hypotheses (PAQ: 4). Not given by the paper."""
    length_penalty: float = Field(default=0.6, ge=0)
    shape: BatchShape = BatchShape()

    @model_validator(mode="after")
    def _check(self) -> "GenerateQuestionsConfig":
        _check_slots(self.beam_size, self.shape)
        return self


class FilterQuestionsConfig(Frozen):
    """How a question is checked by reading its passage."""

    filter: str = "reading-comprehension"
    """Stands in the column ``filter`` of the verdicts."""
    shape: BatchShape = BatchShape()


class FilterOpenDomainConfig(Frozen):
    """How a question is checked by reading what is found for it in the whole corpus."""

    passages: int = Field(default=10, ge=1)
    """So many passages are read, BM25's best for the question."""
    k1: float = Field(default=0.9, ge=0)
    b: float = Field(default=0.4, ge=0, le=1)
    shape: BatchShape = BatchShape()


class RefilterConfig(Frozen):
    """Another rule by which pairs are kept; the reader's answers stay what they are."""

    min_f1: float | None = Field(default=None, gt=0, le=1)
    """Keeps a pair too if the answers' words overlap so much; None asks for an exact match after normalisation."""
    min_logprob: float | None = Field(default=None, le=0)
    """Keeps a pair only if its question's mean log-probability a piece is at least this; None keeps all."""
