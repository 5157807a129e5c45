"""What a killed training goes on from: Orbax checkpoints, written in the background, with SHA-256 beside them.

``steps/<step>`` is Orbax's, ``<step>.sha256`` lists its files as ``sha256sum --check`` reads them. The list is written
once Orbax has finished, if no number is NaN or infinite: a checkpoint that has none was being written when the run was
killed, or is bad, and is not used. A file that disagrees is said loudly, and the checkpoint before is used.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import jax
import numpy as np
import orbax.checkpoint as ocp
from jax.experimental import multihost_utils
from jaxtyping import Array

from qamat_core import progress
from qamat_core.store.shards import directory_entries
from qamat_core.training.metrics import Point, all_finite
from schemas.errors import CorruptArtifactError

_KEPT: Final = 2


class Resumed(NamedTuple):
    """A training as it was after ``step`` steps."""

    step: int
    state: Any
    points: list[Point]
    loader: dict[str, int]
    """The state of the batches' iterator."""


class ResumePoints:
    """The resumable checkpoints of a training, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()
        self._steps = self._directory / "steps"
        options = ocp.CheckpointManagerOptions(max_to_keep=_KEPT, create=True, cleanup_tmp_directories=True)
        self._manager = ocp.CheckpointManager(self._steps, item_names=("state", "curve", "loader"), options=options)
        self._sealer = ThreadPoolExecutor(1, thread_name_prefix="checkpoint-digests")
        self._sealing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.wait()
        finally:
            self._sealer.shutdown()
            self._manager.close()

    def save(self, step: int, state: Any, points: list[Point], loader: dict[str, int]) -> None:
        """Save in the background; waits only for the copy off the device, and for a save that still runs."""
        self.wait()
        items = ocp.args.Composite(
            state=ocp.args.StandardSave(state),
            curve=ocp.args.JsonSave({"points": list(points)}),  # written while the curve grows
            loader=ocp.args.JsonSave(loader),
        )
        self._manager.save(step, args=items)
        finite = all_finite(state)
        if jax.process_index() == 0:
            self._sealing = self._sealer.submit(self._seal, step, finite)

    def wait(self) -> None:
        """Return once what was saved is written, with its digests."""
        self._manager.wait_until_finished()
        if self._sealing:
            self._sealing.result()

    def newest(self) -> int | None:
        """Return the step of the newest good checkpoint."""
        return max((step for step in self._manager.all_steps() if self._digests(step).exists()), default=None)

    def restore(self, fresh: Any) -> Resumed | None:
        """Return the newest whole checkpoint, or None if none was written to its end; newer ones are removed.

        Args:
            fresh: the state at step 0: its shapes, types and placement on devices.

        Raises:
            CorruptArtifactError: there are some, and none is whole.
        """
        step = self._choose()
        for newer in self._manager.all_steps():
            if newer > step:
                self._manager.delete(newer)
                self._digests(newer).unlink(missing_ok=True)
        if not step:
            return None
        items = ocp.args.Composite(
            state=ocp.args.StandardRestore(fresh), curve=ocp.args.JsonRestore(), loader=ocp.args.JsonRestore()
        )
        restored = self._manager.restore(step, args=items)
        return Resumed(step, restored["state"], restored["curve"]["points"], restored["loader"])

    def _choose(self) -> int:
        """Return the step to go on from, the same on every process; 0 for none."""
        if jax.process_count() == 1:
            return self._newest_whole()
        error: CorruptArtifactError | None = None
        step = -1
        if jax.process_index() == 0:
            try:
                step = self._newest_whole()
            except CorruptArtifactError as fault:
                error = fault
        step = int(multihost_utils.broadcast_one_to_all(np.int32(step)))
        if step < 0:
            raise error or CorruptArtifactError(f"{self._directory}: no checkpoint is whole, says process 0")
        return step

    def _newest_whole(self) -> int:
        sealed = sorted((step for step in self._manager.all_steps() if self._digests(step).exists()), reverse=True)
        for step in sealed:
            if (fault := self._fault(step)) is None:
                return step
            progress.warn(f"checkpoint {self._steps / str(step)} is damaged and is not used: {fault}")
        if sealed:
            raise CorruptArtifactError(
                f"{self._directory}: none of its {len(sealed)} checkpoints is whole; check the disk, then remove this "
                "directory to train from the start"
            )
        return 0

    def _seal(self, step: int, finite: Array) -> None:
        self._manager.wait_until_finished()
        if not finite:
            return
        temporary = self._digests(step).with_suffix(".tmp")
        temporary.write_text("\n".join(self._lines(step)) + "\n")
        temporary.replace(self._digests(step))
        for digests in self._directory.glob("*.sha256"):
            if not (self._steps / digests.stem).exists():
                digests.unlink(missing_ok=True)

    def _fault(self, step: int) -> str | None:
        """Return what is wrong with the files of a checkpoint; None if nothing is."""
        expected, found = {*self._digests(step).read_text(errors="replace").splitlines()}, {*self._lines(step)}
        wrong = sorted(line.rpartition("  ")[2] for line in expected ^ found)
        return f"{wrong[0]} differs from its SHA-256" if wrong else None

    def _lines(self, step: int) -> list[str]:
        entries = directory_entries(self._steps / str(step))
        return [f"{entry.sha256}  steps/{step}/{entry.path}" for entry in entries]

    def _digests(self, step: int) -> Path:
        return self._directory / f"{step}.sha256"
