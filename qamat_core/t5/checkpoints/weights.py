"""What a reader of checkpoints gives."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.model import T5Config


class Weights(NamedTuple):
    """A T5 that was read."""

    model: T5Config
    params: Mapping[str, Any]
    """The parameter tree of ``T5(model)``, float32."""
    notes: Mapping[str, str]
    """What a person should know of how it was read."""
