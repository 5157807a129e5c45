"""What runs a pipeline: the runner with its options, and how a fault inside it comes back as it was raised."""

import json
import re
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar
from uuid import uuid4

import apache_beam as beam
from apache_beam.internal import cloudpickle_pickler  # noqa: TID251 - what Beam does with every function it is given
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from qamat_core.store.same_code import check_code
from schemas import errors
from schemas.resources import Resources
from tasks.lost_workers import notice_lost_workers
from tasks.runner_options import make_runner, options_of

_FAULT = "fault.json"

R = TypeVar("R")


class Packed(Generic[R]):
    """A function as bytes: Beam copies a transform some dozens of times, and what it holds is copied as cheaply.

    A plan that names some thousands of shards would be taken apart and put together each time.
    """

    def __init__(self, function: Callable[[], R]) -> None:
        self._bytes = cloudpickle_pickler.dumps(function)

    def call(self) -> R:
        """Unpack the function and call it."""
        return cloudpickle_pickler.loads(self._bytes)()


def run_pipeline(build: Callable[[beam.Pipeline], object], work: Path, resources: Resources) -> None:
    """Build a pipeline on the chosen runner and run it to its end; a job elsewhere is cancelled when this is stopped.

    Raises:
        QamatError: was raised under ``working(work)``, and is raised again as it was, without Beam's words.
        ConfigError: the runner or its options cannot be used.
        RunnerError: a runner other than FnApiRunner gave the job up for another reason.
    """
    notice_lost_workers()
    here = resources.runner == "FnApiRunner"
    runner = FnApiRunner(bundle_repeat=resources.bundle_repeat) if here else make_runner(resources.runner)
    root = beam.Pipeline(runner=runner, options=options_of(resources))
    build(root)
    (work / _FAULT).unlink(missing_ok=True)
    try:
        _run(root)
    except Exception as error:
        if (work / _FAULT).exists():
            name, message = json.loads((work / _FAULT).read_text())
            raise getattr(errors, name)(message) from error
        if here:
            raise
        raise errors.RunnerError(
            f"{resources.runner}: {_reason(error)}; what is done is kept: see to the runner and its workers, "
            "then run it again"
        ) from error


def _run(root: beam.Pipeline) -> None:
    result = root.run()
    try:
        result.wait_until_finish()
    except KeyboardInterrupt:
        result.cancel()
        raise


def _reason(error: Exception) -> str:
    """Return the line of a runner's error that says why: the details of a gRPC status, else the last one with words."""
    text = str(error) or type(error).__name__
    details = re.findall(r'details = "(.+)"', text)
    return (details or re.findall(r"^.*\w.*$", text, re.MULTILINE))[-1].strip()


@contextmanager
def working(work: Path) -> Generator[None]:
    """Surround all that a worker does for a job: it is refused if its code is not the command's, its faults are noted.

    A note is left of a ``QamatError``, for runners hand on no more of an error than its traceback as text.
    """
    try:
        check_code(work)
        yield
    except errors.QamatError as error:
        write_atomically(work / _FAULT, json.dumps([type(error).__name__, str(error)]))
        raise


def filled_once(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Return a folder that ``fill`` filled, now or before the job was killed: it is complete when it has its name."""
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}-unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        fill(unfinished)
        unfinished.replace(folder)
    return folder


def write_atomically(path: Path, text: str) -> None:
    """Write a file atomically."""
    with temporary_beside(path) as temporary:
        temporary.write_text(text)


@contextmanager
def temporary_beside(path: Path) -> Generator[Path]:
    """Give a file to write that gets the name ``path`` when the block has ended."""
    temporary = path.with_name(f".{uuid4().hex}.tmp")
    yield temporary
    temporary.replace(path)
