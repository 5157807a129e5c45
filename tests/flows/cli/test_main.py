"""The command line as a process: quick help, exit codes, no tracebacks."""

import subprocess
import sys

import pytest
from pydantic import BaseModel

from flows.cli import main as main_module
from schemas.errors import InputError
from schemas.world import WorldConfig

HEAVY = ("jax", "apache_beam", "prefect", "pyarrow", "numpy", "matplotlib")


def test_help_imports_nothing_heavy():
    code = f"import sys; import flows.cli.main; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def call(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(main_module, "app", fail)
    main_module.main()


def test_an_error_of_the_user_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="1"):
        call(monkeypatch, InputError("passages.tsv: 3 of 10 records are bad"))
    assert capsys.readouterr().err == "qamat: passages.tsv: 3 of 10 records are bad\n"


@pytest.mark.parametrize(("field", "value"), [("persons", 0), ("train_share", 0.9), ("colour", "red")])
def test_a_wrong_configuration_is_one_line(monkeypatch, capsys, field: str, value: object):
    with pytest.raises(ValueError, match=field) as error:
        WorldConfig.model_validate({field: value})
    with pytest.raises(SystemExit, match="1"):
        call(monkeypatch, error.value)
    line = capsys.readouterr().err
    assert line.startswith("qamat: WorldConfig")
    assert line.count("\n") == 1


@pytest.mark.parametrize("error", [ValueError("a defect"), RuntimeError("a defect")])
def test_a_defect_of_ours_keeps_its_traceback(monkeypatch, error: Exception):
    with pytest.raises(type(error), match="a defect"):
        call(monkeypatch, error)


def test_a_nested_fault_names_its_place():
    class Outer(BaseModel):
        world: WorldConfig

    with pytest.raises(ValueError, match="persons") as error:
        Outer.model_validate({"world": {"persons": 0}})
    line = main_module._validation_line(error.value)
    assert line == "Outer.world.persons: Input should be greater than or equal to 1 (got 0)"
