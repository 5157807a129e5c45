"""What flows are asked to do: the parameters of deployments and of the command line.

Titles and the docstrings of fields stand in the forms of the Prefect UI.
"""

import os
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from schemas.artifacts import Name
from schemas.base import Frozen
from schemas.preset_models import PresetName

TableName = Literal["table1", "table2", "table3", "table4", "table5", "figure7"]
MemoryKind = Literal["generated", "gold"]
ALL_MEMORIES: tuple[MemoryKind, ...] = ("generated", "gold")
Stage = Literal["inbatch", "global", "finetune", "multihop"]


def _home() -> str:
    return os.environ.get("QAMAT_HOME", "qamat-home")


Home = Annotated[str, Field(default_factory=_home, min_length=1)]
"""A folder of artifacts; read where the flow runs, so that each worker has its own."""


class _Form(Frozen):
    model_config = ConfigDict(use_attribute_docstrings=True)


class _Order(_Form):
    preset: PresetName = "mini"
    """The size of everything. toy: seconds, learns nothing; smoke: a minute or two; mini: minutes on two cores."""
    home: Home
    """The folder of the artifacts. Leave it empty for the worker's own (QAMAT_HOME, else qamat-home)."""
    workers: int = Field(default=2, ge=1, title="Beam threads")
    """Worker threads of the Beam jobs."""


class RegenerateCorpus(_Order):
    """Make a memory of passages anew: of the embedded world corpus, or of files."""

    name: Name = Field(default="world", title="Corpus name")
    """Names every artifact of the corpus: lower-case letters, digits, hyphens."""
    passages: tuple[str, ...] = Field(default=(), title="Passage files")
    """Files of passages (DPR TSV, JSONL, Wikipedia XML, SQuAD, HotpotQA, MuSiQue; packed or in a tar or zip too), or
    wiki-vital; none for the embedded world corpus."""
    squad: str | None = Field(default=None, title="SQuAD file")
    """A SQuAD JSON that generators are trained on; none for the annotations that stand in the passage files."""


class QuestionsFile(_Form):
    """A file of questions with answers: NQ-open JSONL, DPR's ``*.qa.csv``; .gz too."""

    path: str
    """Where the file lies on the worker's machine."""
    dataset: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", title="Data set")
    """What figures call it, such as nq-open."""
    split: str = Field(default="train", pattern=r"^[a-z0-9]+$")
    """Which part of the data set it is, such as train, dev, test."""


class TrainQamat(_Order):
    """Train QAMAT over a memory; a stage that is not named is found made already."""

    memory: Name = "world"
    """The memory (``qa_pairs``) with the pre-training examples of the same name."""
    corpus: Name = "world"
    """The corpus whose tokenizer and annotations the model starts from."""
    name: Name = Field(default="world", title="Model name")
    """Names the model: its checkpoints are called NAME-inbatch, NAME-global, NAME-finetune, NAME-multihop."""
    stages: tuple[Stage, ...] = Field(default=("inbatch", "global", "finetune"), min_length=1)
    """What is trained, in this order whatever order they are given in."""
    questions: Name = Field(default="world-train", title="Training questions")
    """The questions (``qa_examples``) that fine-tuning and multi-hop learn from."""
    file: QuestionsFile | None = Field(default=None, title="Questions file")
    """Questions to learn from that are read from a file, in the place of registered training questions."""
    seed: int = Field(default=0, ge=0)
    """Decides the starting weights and the order of examples."""


class Evaluate(_Form):
    """Measure a checkpoint on the questions of a data set."""

    checkpoint: Name
    """What is measured, such as world-finetune."""
    memory: Name | None = None
    """The memory (``qa_pairs``) that is searched; None for the one that the checkpoint was trained over."""
    questions: Name | None = None
    """Questions (``qa_examples``) that are registered; None for those of ``file``."""
    file: QuestionsFile | None = Field(default=None, title="Questions file")
    """Questions read from a file."""
    home: Home
    """The folder of the artifacts."""

    @model_validator(mode="after")
    def _check(self) -> "Evaluate":
        if (self.questions is None) == (self.file is None):
            raise ValueError("give the questions either by name or as a file")
        return self


class Reproduce(_Order):
    """Make the paper's tables, corpus to report."""

    name: Name = Field(default="world", title="Study name")
    """Names every artifact of the study: lower-case letters, digits, hyphens."""
    only: tuple[TableName, ...] = Field(default=(), title="Tables")
    """The tables wanted; none for all."""
    memories: tuple[MemoryKind, ...] = Field(default=ALL_MEMORIES, min_length=1, title="Memories of Table 4")
    """The memories over which recall and exact match are measured for every K; gold is the upper bound."""
    seeds: int = Field(default=1, ge=1)
    """Every model is trained with so many seeds."""
    split: Literal["dev", "test"] = "test"
    """The questions asked; tuning looks at dev alone."""
    out: str | None = Field(default="report", title="Report folder")
    """The folder that the report is copied to; none to leave it among the artifacts."""
