"""What no linter rule sees: nothing of ours lets numpy read pickles, or gives a shell a line to run."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
ROOMS = ("schemas", "qamat_core", "tasks", "flows")
FORBIDDEN = {"allow_pickle": True, "shell": True, "weights_only": False}
"""Keyword arguments and the value that may not stand there; nor may one that is only known when it runs."""


def _forbidden(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            for given in node.keywords:
                value = getattr(given.value, "value", None)
                if given.arg in FORBIDDEN and value is not (not FORBIDDEN[given.arg]):
                    yield f"line {node.lineno}: {given.arg}"


def test_no_call_of_ours_asks_for_it():
    found = [
        f"{path.relative_to(PROJECT)}, {line}"
        for room in ROOMS
        for path in sorted((PROJECT / room).rglob("*.py"))
        for line in _forbidden(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=chosen)",
        "subprocess.run(line, shell=True)",
        "torch.load(path, weights_only=False)",
    ],
)
def test_such_a_call_would_be_found(source: str):
    assert list(_forbidden(source))


def test_the_safe_form_passes():
    assert not list(_forbidden("np.load(path, allow_pickle=False, mmap_mode='r')"))
