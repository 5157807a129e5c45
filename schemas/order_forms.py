"""What all orders have in common: where artifacts live, how jobs run, the questions and the T5 that are named."""

import inspect
import os
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from schemas.base import Frozen
from schemas.cluster import options_for
from schemas.places import ModelPlace, Place, allowed
from schemas.preset_models import PresetName
from schemas.resources import Resources, RunnerName
from schemas.training import MeshShape


def _home() -> str:
    return os.environ.get("QAMAT_HOME", "qamat-home")


Home = Annotated[str, Field(default_factory=_home, min_length=1), AfterValidator(allowed)]
"""A folder of artifacts; read where the flow runs, so that each worker has its own."""


Revision = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$")]
"""A branch, a tag or a commit."""


def _own_first(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Put the preset and what an order is about before what all orders have: a form shows fields in this order."""
    named = [field for part in model.__mro__ for field in inspect.get_annotations(part)]
    properties = schema.get("properties", {})
    order = [field for field in dict.fromkeys(("preset", *named)) if field in properties]
    # The form goes by position, for a database may keep the fields in an order of its own.
    schema["properties"] = {field: properties[field] | {"position": number} for number, field in enumerate(order)}


class Form(Frozen):
    """An order whose fields stand in a form of the Prefect UI."""

    model_config = ConfigDict(use_attribute_docstrings=True, json_schema_extra=_own_first)


class Run(Form):
    """What a run of a deployment is asked to do."""

    home: Home
    """The folder of the artifacts. Leave it empty for the worker's own (QAMAT_HOME, else qamat-home)."""
    hours: float | None = Field(default=None, gt=0, le=8760, title="Longest time, in hours")
    """A run that takes longer is ended as failed; ordered again, it goes on where it was. None for no limit."""

    @property
    def label(self) -> str:
        """What is made, in a few words."""
        return ""

    @property
    def title(self) -> str:
        """What the run does, in a few words."""
        return self.label


class Resumable(Run):
    """What a run may be asked besides its work: to show what it would do, or to go on where an earlier one was.

    What is made already is found in any case, by its key. These fields promise something about it before the work.
    """

    dry_run: bool = Field(default=False, title="Dry run")
    """Make nothing: show as a table what is found, what would be made, and how long that may take."""
    reuse_run: str | None = Field(default=None, min_length=1, max_length=200, title="Reuse an earlier run")
    """Name (the newest so named) or id of an earlier run of this deployment. Its order is taken in the place of this
    form's; of this form only dry run, start at and the longest time count. All that it made must fit into the new run:
    if not, because the code or a file has changed since, the run is refused and nothing is made anew."""

    @property
    def title(self) -> str:
        """What the run does, in a few words."""
        work = f"as {self.reuse_run}" if self.reuse_run else self.label
        return f"{work} (dry run)" if self.dry_run else work


class BeamOrder(Run):
    """An order that runs Beam jobs."""

    workers: int = Field(default=2, ge=1, title="Beam threads")
    """Worker threads of the Beam jobs, where they run in this process."""
    runner: RunnerName = Field(default="FnApiRunner", title="Beam runner")
    """What runs the Beam jobs: FnApiRunner in this process, another on a cluster (docs/scale-out.md)."""
    runner_options: tuple[str, ...] = Field(default=(), title="Options of the Beam runner")
    """Beam's options of a runner on a cluster, each ``--name=value``. None where the worker has roots (QAMAT_ROOTS): it
    names its own cluster then."""

    @model_validator(mode="after")
    def _check_cluster(self) -> Self:
        options_for(self.runner, self.runner_options)
        return self

    def resources(self) -> Resources:
        """Return how the jobs of this order run."""
        options = options_for(self.runner, self.runner_options)
        return Resources(home=self.home, workers=self.workers, runner=self.runner, runner_options=options)


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

    source: ModelPlace
    """A directory that transformers or T5X saved it in, on the worker's machine, or a hub id: org/name."""
    revision: Revision = "main"
    """Of a hub id: a branch, a tag or a commit."""
    tokenizer: Place | None = None
    """A spiece.model, where the source has none."""


class QuestionsFile(Form):
    """A file of questions with answers: JSONL of NQ-open and MuSiQue, JSON of TriviaQA, WebQuestions, HotpotQA, MuSiQue
    and SQuAD, DPR's ``*.qa.csv``, TSV; packed too."""

    path: Place
    """Where the file lies on the worker's machine."""
    dataset: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", title="Data set")
    """What figures call it, such as nq; it says whose script scores (``schemas.datasets``)."""
    split: str = Field(default="train", pattern=r"^[a-z0-9]+$")
    """Which part of the data set it is, such as train, dev, test."""
