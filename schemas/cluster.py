"""The cluster of a machine that takes orders from others: the machine names it, an order only says that it is used.

Beam's options name programs, their arguments, images, packages, and servers that a job trusts with every file it asks
for; without some of them a runner lets anybody on the network into its process. So where roots are set
(``schemas.places``), runner and options stand in ``QAMAT_CLUSTER`` of the worker, as on a command line:
``FlinkRunner --flink_master=HOST:8081 --environment_type=EXTERNAL --environment_config=localhost:50000``.
"""

import os
import shlex
from typing import Final

from schemas.places import ROOTS, roots
from schemas.resources import RunnerName

CLUSTER: Final = "QAMAT_CLUSTER"


def options_for(runner: RunnerName, ordered: tuple[str, ...]) -> tuple[str, ...]:
    """Return the options that a runner gets: those of the order, or the machine's own where it has roots.

    Raises:
        ValueError: the machine has roots, and the order gives options, or names another runner than the machine's.
    """
    if runner == "FnApiRunner" or not roots():
        return ordered
    if ordered:
        raise ValueError(
            f"runner_options cannot be ordered where {ROOTS} is set: leave them out, the worker's {CLUSTER} has them"
        )
    named, *options = shlex.split(os.environ.get(CLUSTER, "")) or ["no cluster"]
    if named != runner:
        raise ValueError(f"runner {runner} cannot be ordered here: {CLUSTER} of the worker names {named}")
    return tuple(options)
