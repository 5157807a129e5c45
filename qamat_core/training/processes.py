"""Several processes, on one machine or many, that train together (``jax.distributed``)."""

import jax
import numpy as np
from jax.experimental import multihost_utils

from qamat_core.store.following import set_process
from schemas.errors import ConfigError
from schemas.resources import Processes


def meet() -> None:
    """Wait for the other processes."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("qamat")


def same_everywhere(number: int) -> int:
    """Return the first process's number in all processes."""
    if jax.process_count() == 1:
        return number
    return int(multihost_utils.broadcast_one_to_all(np.int64(number)))


def join(processes: Processes | None) -> None:
    """Become one of several processes; None stays alone. Comes before anything else that uses a device.

    Raises:
        ConfigError: the others cannot be reached, or a device was used before.
    """
    if processes is None:
        return
    if not jax.distributed.is_initialized():
        try:
            jax.distributed.initialize(processes.coordinator, processes.count, processes.index)
            jax.devices()  # the first to use its devices waits until all do
        except (RuntimeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ConfigError(
                f"process {processes.index} of {processes.count} cannot join {processes.coordinator} ({reason}); "
                "start the same command once a process, with --process from 0, all with the same --coordinator"
            ) from error
    set_process(processes.index)
