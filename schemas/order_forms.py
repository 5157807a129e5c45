"""What all orders have in common: where artifacts live, how jobs run, the questions and the T5 that are named."""

import os
from typing import Annotated

from pydantic import ConfigDict, Field

from schemas.base import Frozen
from schemas.preset_models import PresetName
from schemas.resources import Resources, RunnerName
from schemas.training import MeshShape


def _home() -> str:
    return os.environ.get("QAMAT_HOME", "qamat-home")


Home = Annotated[str, Field(default_factory=_home, min_length=1)]
"""A folder of artifacts; read where the flow runs, so that each worker has its own."""


class Form(Frozen):
    """An order whose fields stand in a form of the Prefect UI."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class BeamOrder(Form):
    """An order that runs Beam jobs."""

    home: Home
    """The folder of the artifacts. Leave it empty for the worker's own (QAMAT_HOME, else qamat-home)."""
    workers: int = Field(default=2, ge=1, title="Beam threads")
    """Worker threads of the Beam jobs, where they run in this process."""
    runner: RunnerName = Field(default="FnApiRunner", title="Beam runner")
    """What runs the Beam jobs: FnApiRunner in this process, another on a cluster (docs/scale-out.md)."""
    runner_options: tuple[str, ...] = Field(default=(), title="Options of the Beam runner")
    """Beam's options of a runner on a cluster, each ``--name=value``."""

    def resources(self) -> Resources:
        """Return how the jobs of this order run."""
        return Resources(home=self.home, workers=self.workers, runner=self.runner, runner_options=self.runner_options)


class Order(BeamOrder):
    """An order of some scale."""

    preset: PresetName = "mini"
    """The size of everything. toy: seconds, learns nothing; smoke: a minute or two; mini: minutes on two cores;
    small, base, large: accelerators (see `qamat plan`)."""


class TrainingOrder(Order):
    """An order that trains."""

    mesh: MeshShape = Field(default=MeshShape(), title="Mesh of devices")
    """How the devices stand: parts of a batch by parts of wide layers."""

    def resources(self) -> Resources:
        """Return how the jobs of this order run."""
        return super().resources().model_copy(update={"mesh": self.mesh})


class PublicT5(Form):
    """A T5 that was trained elsewhere."""

    source: str = Field(min_length=1)
    """A directory that transformers or T5X saved it in, on the worker's machine, or a hub id: org/name."""
    revision: str = "main"
    """Of a hub id: a branch, a tag or a commit."""
    tokenizer: str | None = None
    """A spiece.model, where the source has none."""


class QuestionsFile(Form):
    """A file of questions with answers: JSONL of NQ-open and MuSiQue, JSON of TriviaQA, WebQuestions, HotpotQA, MuSiQue
    and SQuAD, DPR's ``*.qa.csv``, TSV; packed too."""

    path: str
    """Where the file lies on the worker's machine."""
    dataset: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", title="Data set")
    """What figures call it, such as nq; it says whose script scores (``schemas.datasets``)."""
    split: str = Field(default="train", pattern=r"^[a-z0-9]+$")
    """Which part of the data set it is, such as train, dev, test."""
