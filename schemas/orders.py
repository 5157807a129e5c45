"""What flows are asked to do: the parameters of deployments and of the command line."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.artifacts import Name
from schemas.base import Frozen
from schemas.presets import PresetName

TableName = Literal["table1", "table2", "table3", "table4", "table5", "figure7"]
Stage = Literal["inbatch", "global", "finetune", "multihop"]


class _Order(Frozen):
    preset: PresetName = "mini"
    home: str = "qamat-home"
    """Where artifacts live."""
    workers: int = Field(default=2, ge=1)
    """Worker threads of the Beam jobs."""


class RegenerateCorpus(_Order):
    """Make a memory of passages anew: of the embedded world corpus, or of files."""

    name: Name = "world"
    """Names every artifact of the corpus."""
    passages: tuple[str, ...] = ()
    """Files of passages (DPR TSV, JSONL, SQuAD JSON; .gz too); none for the embedded world corpus."""
    squad: str | None = None
    """A SQuAD JSON that generators are trained on; None for the annotations that stand in ``passages``."""


class QuestionsFile(Frozen):
    """A file of questions with answers: NQ-open JSONL, DPR's ``*.qa.csv``; .gz too."""

    path: str
    dataset: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    split: str = Field(default="train", pattern=r"^[a-z0-9]+$")


class TrainQamat(_Order):
    """Train QAMAT over a memory; a stage that is not named is found made already."""

    memory: Name = "world"
    """The memory (``qa_pairs``) with the pre-training examples of the same name."""
    corpus: Name = "world"
    """The corpus whose tokenizer and annotations the model starts from."""
    name: Name = "world"
    """Names the model: its checkpoints are called NAME-inbatch, NAME-global, NAME-finetune, NAME-multihop."""
    stages: tuple[Stage, ...] = ("inbatch", "global", "finetune")
    questions: Name = "world-train"
    """The training questions (``qa_examples``) of fine-tuning."""
    file: QuestionsFile | None = None
    """Training questions read from a file, in the place of ``questions``."""
    seed: int = 0


class Evaluate(Frozen):
    """Measure a checkpoint on the questions of a data set."""

    checkpoint: Name
    memory: Name | None = None
    """The memory (``qa_pairs``) that is searched; None for the one that the checkpoint was trained over."""
    questions: Name | None = None
    """Questions (``qa_examples``) that are registered; None for those of ``file``."""
    file: QuestionsFile | None = None
    home: str = "qamat-home"

    @model_validator(mode="after")
    def _check(self) -> "Evaluate":
        if (self.questions is None) == (self.file is None):
            raise ValueError("give the questions either by name or as a file")
        return self


class Reproduce(_Order):
    """Make the paper's tables, corpus to report."""

    name: Name = "world"
    """Names every artifact of the study."""
    only: tuple[TableName, ...] = ()
    """The tables wanted; none for all."""
    seeds: int = Field(default=1, ge=1)
    """Every model is trained with so many seeds."""
    split: Literal["dev", "test"] = "test"
    """The questions asked; tuning looks at dev alone."""
    out: str | None = "report"
    """Where the report is copied to."""
