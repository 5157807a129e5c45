"""How a job runs: never part of an artifact's key."""

from typing import Literal

from pydantic import Field

from schemas.base import Frozen


class Resources(Frozen):
    """Where artifacts live and what runs the Beam jobs."""

    home: str = "./qamat-home"
    runner: Literal["FnApiRunner"] = "FnApiRunner"
    workers: int = Field(default=1, ge=1)
    """Worker threads of the runner."""
    bundle_repeat: int = Field(default=0, ge=0)
    """Replays every bundle that often: a fault test, the result must not change."""
