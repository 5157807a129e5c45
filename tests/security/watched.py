"""Runs `qamat` and writes which library unpickled how often: watched.py REPORT ARGUMENTS.

CPython tells an audit hook of every class that an unpickler looks up (``pickle.find_class``).
"""

import atexit
import json
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

REPORT = Path(sys.argv.pop(1))
LIBRARIES = ("apache_beam", "multiprocessing", "numba")
seen: Counter[str] = Counter()


def _caller(frame: FrameType | None) -> str:
    """Return the library whose frame is the nearest, else the file that asked for the unpickling."""
    first = frame.f_code.co_filename if frame else "?"
    while frame:
        parts = Path(frame.f_code.co_filename).parts
        if (library := next((one for one in LIBRARIES if one in parts), None)) is not None:
            return library
        if {"qamat_core", "tasks", "flows", "schemas"} & set(parts) and "site-packages" not in parts:
            return frame.f_code.co_filename
        frame = frame.f_back
    return first


def _note(event: str, arguments: tuple[object, ...]) -> None:
    del arguments
    if event == "pickle.find_class":
        seen[_caller(sys._getframe(1))] += 1


sys.addaudithook(_note)
atexit.register(lambda: REPORT.write_text(json.dumps(seen)))

from flows.cli.main import main  # noqa: E402 - after the hook

main()
