"""Options of a Beam runner that an order may give: on a machine that takes orders from others, addresses and numbers.

Beam has options that name a program, its arguments, a container's image or a file of packages: whoever may give these
runs what he likes as the worker. Where roots are set (``schemas.places``), an order gives only what is listed here; all
others are given on the command line of a machine without roots.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator

from schemas.places import ROOTS, allowed, roots

_ADDRESS: Final = r"(?:[a-z]+://)?[A-Za-z0-9][A-Za-z0-9.-]*:\d{1,5}"
_COUNT: Final = r"\d{1,6}"
_VALUES: Final[Mapping[str, str]] = {
    "artifacts_dir": r".+",
    "environment_config": _ADDRESS,
    "environment_type": r"EXTERNAL|LOOPBACK",
    "flink_master": rf"{_ADDRESS}|\[(?:auto|local)\]",
    "flink_submit_uber_jar": "",
    "flink_version": r"\d+\.\d+",
    "job_endpoint": rf"{_ADDRESS}|embed",
    "max_parallelism": _COUNT,
    "parallelism": _COUNT,
    "sdk_worker_parallelism": _COUNT,
    "spark_master_url": rf"{_ADDRESS}|local(?:\[(?:\d+|\*)\])?",
    "spark_rest_url": _ADDRESS,
    "spark_submit_uber_jar": "",
}
"""What the value of each has to match as a whole."""


def allowed_options(options: tuple[str, ...]) -> tuple[str, ...]:
    """Return the options of a runner if they may be given here.

    Raises:
        ValueError: roots are set, and one of the options is not listed or has another value than an address, a number
            or a place below a root.
    """
    if not roots():
        return options
    given = [_checked(option) for option in options]
    # Without a type, Beam takes the configuration for the name of a container's image.
    if "environment_config" in given and "environment_type" not in given:
        raise ValueError("--environment_config says nothing alone: give --environment_type=EXTERNAL with it")
    return options


def _checked(option: str) -> str:
    """Return the name of an option that may be given."""
    name, _, value = option.removeprefix("--").partition("=")
    if not option.startswith("--") or name not in _VALUES:
        raise ValueError(
            f"{option[:80]!r} may not be ordered where {ROOTS} is set: give one of {', '.join(_VALUES)}, or run the "
            "command on a machine of your own"
        )
    if not re.fullmatch(_VALUES[name], value):
        raise ValueError(f"--{name}={value[:80]} may not be ordered where {ROOTS} is set: see docs/scale-out.md")
    if name == "artifacts_dir":
        allowed(value)
    return name


ClusterOptions = Annotated[tuple[str, ...], AfterValidator(allowed_options)]
"""Beam's options of a runner on a cluster, each ``--name=value``."""
