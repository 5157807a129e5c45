"""The base of all configuration models and records."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A model that cannot be changed, refuses unknown fields and never guesses types."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
