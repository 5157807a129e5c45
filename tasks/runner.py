"""What runs a pipeline: the runner with its options, and how a fault inside it comes back as it was raised."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from schemas import errors
from schemas.resources import Resources

_FAULT = "fault.json"


def run_pipeline(build: Callable[[beam.Pipeline], object], work: Path, resources: Resources) -> None:
    """Build a pipeline on the chosen runner and run it to its end.

    A ``QamatError`` that was raised under ``noting_faults(work)`` is raised again as it was, without Beam's words.
    """
    options = PipelineOptions(
        flags=[],
        direct_num_workers=resources.workers,
        direct_running_mode="multi_threading",
        pickle_library="cloudpickle",
    )
    (work / _FAULT).unlink(missing_ok=True)
    try:
        with beam.Pipeline(runner=FnApiRunner(bundle_repeat=resources.bundle_repeat), options=options) as root:
            build(root)
    except Exception as error:
        if (work / _FAULT).exists():
            name, message = json.loads((work / _FAULT).read_text())
            raise getattr(errors, name)(message) from error
        raise


@contextmanager
def noting_faults(work: Path) -> Generator[None]:
    """Leave a note of a ``QamatError``: runners hand on no more of an error than its traceback as text."""
    try:
        yield
    except errors.QamatError as error:
        write_atomically(work / _FAULT, json.dumps([type(error).__name__, str(error)]))
        raise


def write_atomically(path: Path, text: str) -> None:
    """Write a file atomically."""
    temporary = path.with_name(f".{uuid4().hex}.tmp")
    temporary.write_text(text)
    temporary.replace(path)
