"""Workers with other code than the command's are refused, with the name of what differs."""

import json
from pathlib import Path

import pytest

from qamat_core.store.same_code import check_code, note_code
from schemas.errors import ConfigError


def test_the_same_code_passes(tmp_path: Path):
    note_code("qamat_core.batches", tmp_path)
    check_code(tmp_path)
    assert set(json.loads((tmp_path / "code.json").read_text())["sources"]) >= {"qamat_core.batches"}


def test_without_a_note_there_is_nothing_to_compare(tmp_path: Path):
    check_code(tmp_path)


@pytest.mark.parametrize(
    ("part", "name", "there", "line"),
    [
        (
            "sources",
            "qamat_core.batches",
            "0" * 64,
            r"qamat_core\.batches is [0-9a-f]{12} here and 0{12} where the command",
        ),
        ("sources", "qamat_core.later", "0" * 64, r"qamat_core\.later is missing here"),
        (
            "libraries",
            "pyarrow",
            "1.0",
            r"pyarrow is \S+ here and 1\.0 where the command runs; install the same commit",
        ),
    ],
)
def test_what_differs_is_named(tmp_path: Path, part: str, name: str, there: str, line: str):
    note_code("qamat_core.batches", tmp_path)
    noted = json.loads((tmp_path / "code.json").read_text())
    noted[part][name] = there
    (tmp_path / "code.json").write_text(json.dumps(noted))
    with pytest.raises(ConfigError, match=line):
        check_code(tmp_path)
