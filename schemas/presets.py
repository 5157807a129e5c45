"""Presets by their names: one set of numbers for every part of the way from text to tables."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from schemas.errors import ConfigError
from schemas.paper_presets import base, large, small
from schemas.preset_models import Preset
from schemas.small_presets import mini, smoke, toy

PRESETS: Final[Mapping[str, Callable[[], Preset]]] = MappingProxyType(
    {"toy": toy, "smoke": smoke, "mini": mini, "small": small, "base": base, "large": large}
)
"""Preset name -> what builds it."""


def preset(name: str) -> Preset:
    """Return a preset by its name.

    Raises:
        ConfigError: there is none of that name; lists those there are.
    """
    if name not in PRESETS:
        raise ConfigError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]()
