"""What a whole study is asked to do: the paper's tables, and the real questions over a memory that people wrote."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.artifacts import LONGEST_NAME, Name
from schemas.corpus import PairFormat
from schemas.human import HumanScale
from schemas.order_forms import BeamOrder, Form, PublicT5, QuestionsFile, Resumable, TrainingOrder
from schemas.places import Place, QuestionsPlace, apart

TableName = Literal[
    "table1",
    "table2",
    "sizes",
    "table3",
    "table4",
    "table5",
    "table6",
    "table7",
    "figure7",
    "speed",
    "integration",
    "abstention",
    "attribution",
    "ablations",
]
USUAL_TABLES: tuple[TableName, ...] = (
    *("table1", "table2", "sizes", "table3", "table4", "table5", "table6", "table7", "figure7", "speed"),
    *("integration", "abstention", "attribution"),
)
"""What is made where no table is named: the paper's, and ours that cost little. The ablations have to be named.
``sizes`` are the rows of Table 2 of a larger T5."""
WORLD_TABLES: tuple[TableName, ...] = ("table1", "table3", "table6", "ablations")
"""Tables that need the facts of the embedded world: what is true of it, its gold memory, its two-hop questions."""
DATASET_TABLES: tuple[TableName, ...] = ("table2", "sizes", "table4", "table5", "table7", "figure7")
"""Tables that ask every data set; the others ask the first, or those of ``WORLD_TABLES`` the world's own questions."""
MemoryKind = Literal["generated", "gold"]
ALL_MEMORIES: tuple[MemoryKind, ...] = ("generated", "gold")


class QuestionSet(Form):
    """A data set of single-hop questions: for each part a file (as in ``QuestionsFile``) or the name of registered
    questions (``qa_examples``)."""

    dataset: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", title="Data set")
    """What tables call it, such as nq; it says whose script scores (``schemas.datasets``)."""
    train: QuestionsPlace = Field(title="Training questions")
    """What models are fine-tuned on."""
    dev: QuestionsPlace = Field(title="Dev questions")
    """What is asked while tuning, and what confidence is calibrated on."""
    test: QuestionsPlace = Field(title="Test questions")
    """What is asked in the end."""


StudyStage = Literal["models", "answers", "report"]
"""What a study goes through after its corpus."""


class ReproduceTable(Resumable, TrainingOrder):
    """Make one of the paper's tables, corpus to report."""

    name: Name = Field(default="world", max_length=13, title="Study name")
    """Names every artifact of the study: lower-case letters, digits, hyphens."""
    start: PublicT5 | None = Field(default=None, title="Public T5")
    """What generators and models start from, with its own shape and tokenizer; none for random weights."""
    memories: tuple[MemoryKind, ...] = Field(default=ALL_MEMORIES, min_length=1, title="Memories of Table 4")
    """The memories over which recall and exact match are measured for every K; gold is the upper bound."""
    corpus: Name | None = Field(default=None, title="Registered corpus")
    """The memory of this name, as ``regenerate-corpus`` makes it of any passages; none for the embedded world. What
    needs the world's facts (``WORLD_TABLES``, and the gold memory) is then missing in the report."""
    datasets: tuple[QuestionSet, ...] = Field(default=(), title="Data sets")
    """Single-hop questions that are learned and asked, a column each (``DATASET_TABLES``); none for the world's own."""
    seeds: int = Field(default=1, ge=1)
    """Every model is trained with so many seeds."""
    split: Literal["dev", "test"] = "test"
    """The questions asked; tuning looks at dev alone."""
    out: Place | None = Field(default="report", title="Report folder")
    """The folder that the report is copied to; none to leave it among the artifacts."""
    start_at: StudyStage | None = Field(default=None, title="Start at")
    """The first kind of work that may be done: corpus, models, answers, report follow each other. At ``models`` nothing
    of a corpus is made, at ``answers`` nothing is trained either, at ``report`` nothing is asked either: what comes
    before must be found, else the run is refused with the first step that is not. None to make whatever is missing."""

    @property
    def label(self) -> str:
        """Which study, of what size, with how many seeds."""
        return f"{self.name} {self.preset}, {self.seeds} {'seed' if self.seeds == 1 else 'seeds'}"

    @model_validator(mode="after")
    def _check(self) -> "ReproduceTable":
        apart(self.out, self.home)
        names = [one.dataset for one in self.datasets]
        if len(set(names)) < len(names):
            raise ValueError("two data sets have one name: name them apart")
        if self.corpus and not self.datasets:
            raise ValueError("the world's questions are not about this corpus: give data sets to ask too")
        return self


class Reproduce(ReproduceTable):
    """Make the paper's tables, corpus to report."""

    only: tuple[TableName, ...] = Field(default=(), title="Tables")
    """The tables wanted; none for all but the ablations, a study of the objective, which have to be named."""

    @model_validator(mode="after")
    def _check_only(self) -> "Reproduce":
        if self.corpus and (lost := [table for table in self.only if table in WORLD_TABLES]):
            raise ValueError(f"{lost[0]} needs the embedded world's facts: leave it out, or leave the corpus out")
        return self

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables that are made."""
        wanted = self.only or USUAL_TABLES
        return tuple(table for table in wanted if not (self.corpus and table in WORLD_TABLES))


class HumanTrack(BeamOrder):
    """Answer real questions from a memory that people wrote, with models that start from random weights."""

    scale: HumanScale = "hour"
    """toy: seconds, learns nothing; minutes: a quarter of an hour on two cores; hour: an hour and more."""
    name: Name = Field(default="human", max_length=13, title="Study name")
    """Names every artifact of the study: lower-case letters, digits, hyphens."""
    learn: tuple[QuestionsFile, ...] = Field(min_length=1, title="Training questions")
    """Files of questions that stand in the memory and are learned from; their own pair is never retrieved for them."""
    pairs: tuple[Place, ...] = Field(default=(), title="Files of pairs")
    """Files or folders of question-answer pairs that stand in the memory too, of one format."""
    format: PairFormat | None = None
    """Of the files of pairs; none to tell it from the first one."""
    ask: tuple[QuestionsFile, ...] = Field(min_length=1, title="Questions asked")
    """Files of questions that are answered: tune on dev alone."""
    seeds: int = Field(default=1, ge=1)
    """Every model is trained with so many seeds."""
    out: Place | None = Field(default="report-human", title="Report folder")
    """The folder that the report is copied to; none to leave it among the artifacts."""

    @property
    def label(self) -> str:
        """Which study, of what size, with how many seeds."""
        return f"{self.name} {self.scale}, {self.seeds} {'seed' if self.seeds == 1 else 'seeds'}"

    @model_validator(mode="after")
    def _check(self) -> "HumanTrack":
        apart(self.out, self.home)
        asked = [(file.dataset, file.split) for file in self.ask]
        if len(set(asked)) < len(asked):
            raise ValueError("one file a data set and split can be asked: name their splits")
        for dataset, split in asked:
            if len(f"{self.name}-dense-questions-fine-tuned-{dataset}-{split}") > LONGEST_NAME:
                raise ValueError(f"{dataset} {split} makes names that are too long: shorten it, or the study's name")
        return self
