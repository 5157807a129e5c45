"""How a job runs: never part of an artifact's key."""

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from schemas.base import Frozen
from schemas.training import MeshShape

_Known = Literal["FnApiRunner", "PortableRunner", "FlinkRunner", "SparkRunner", "DataflowRunner"]
_REFUSED = {
    "DaskRunner": "gave wrong results and empty tables when it was tried",
    "DirectRunner": "is another name for PrismRunner, or for FnApiRunner: say which",
    "PrismRunner": "downloads a program when it starts",
}


def _known(name: object) -> object:
    if name in _REFUSED:
        raise ValueError(f"{name} {_REFUSED[str(name)]}; give one of {', '.join(get_args(_Known))}")
    return name


def _absolute(home: str) -> str:
    return home if "://" in home else str(Path(home).absolute())


RunnerName = Annotated[_Known, BeforeValidator(_known)]
"""FnApiRunner: threads of this process. The others are Beam's names for what runs jobs elsewhere."""


class Processes(Frozen):
    """One of several processes that train together; each has the devices of its machine."""

    coordinator: str = Field(pattern=r"^[^\s:]+:\d+$")
    """``HOST:PORT`` of process 0, which listens there."""
    count: int = Field(ge=1)
    index: int = Field(ge=0)

    @model_validator(mode="after")
    def _check(self) -> "Processes":
        if self.index >= self.count:
            raise ValueError(f"process {self.index} of {self.count}: they are counted from 0")
        return self


class Resources(Frozen):
    """Where artifacts live and what runs the Beam jobs."""

    home: Annotated[str, AfterValidator(_absolute)] = "./qamat-home"
    """A directory, made absolute (workers have another working directory), or an address in an object store."""
    runner: RunnerName = "FnApiRunner"
    runner_options: tuple[str, ...] = ()
    """Beam's options of a runner other than FnApiRunner, each ``--name=value`` or ``--name``."""
    workers: int = Field(default=1, ge=1)
    """Worker threads of FnApiRunner; other runners have options of their own."""
    mesh: MeshShape = MeshShape()
    """How the devices that training runs on stand."""
    processes: Processes | None = None
    """This process among those that train together; None for one alone."""
    bundle_repeat: int = Field(default=0, ge=0)
    """FnApiRunner replays every bundle that often: a fault test, the result must not change."""

    @model_validator(mode="after")
    def _check(self) -> "Resources":
        if self.runner == "FnApiRunner":
            if self.runner_options:
                raise ValueError(f"FnApiRunner takes no {self.runner_options[0]}: say which runner the options are for")
        elif self.bundle_repeat:
            raise ValueError(f"{self.runner} cannot replay bundles: only FnApiRunner can")
        elif "://" in self.home:
            raise ValueError(
                f"{self.runner} has workers elsewhere, and they would write into mirrors of {self.home} of their own: "
                "give as home a folder that every machine sees at the same path"
            )
        return self
