"""What a home's files hold is never unpickled: not by who reads an artifact, not by a whole run."""

import io
import json
import os
import pickle  # noqa: TID251 - shows that the planted ones would run
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flows.asking import open_engine
from qamat_core.store.store import Store
from schemas.answers import Asked
from schemas.errors import QamatError
from tests.security.planting import copied, payloads, plant

PROJECT = Path(__file__).parents[2]
WATCHED = Path(__file__).with_name("watched.py")


def _ask(home: Path) -> None:
    engine = open_engine(str(home), "tuned", None, top_k=2, min_confidence=0, batch_sizes=(1,))
    engine.answer([Asked(question="Where does Ada live?")])


def test_the_planted_pickles_run_where_a_pickle_is_read(tmp_path: Path):
    sign = tmp_path / "taken-over"
    alone, array = payloads(sign)
    for read in (
        lambda: pickle.loads(alone),  # noqa: S301
        lambda: np.load(io.BytesIO(array), allow_pickle=True),
    ):
        read()
        assert sign.exists()
        sign.unlink()


@pytest.mark.parametrize("kind", ["tokenizer", "checkpoint", "index", "qa_pairs", "passages"])
def test_a_pickle_in_the_place_of_a_file_is_refused_in_one_line(kind: str, askable: Path, tmp_path: Path):
    sign = tmp_path / "taken-over"
    rows = [
        row
        for row in Store(askable).registry.rows()
        if row.ref.kind == kind and row.ref.name in ("m", "encoder", "tuned")
    ]
    refused: list[str] = []
    places = [(row, file) for row in rows for file in row.files]
    for number, (place, payload) in enumerate((place, payload) for place in places for payload in payloads(sign)):
        home = copied(askable, tmp_path / str(number))
        plant(home, *place, payload)
        try:
            _ask(home)
        except QamatError as error:
            refused.append(str(error))
        assert not sign.exists(), f"{place[0].ref}: {place[1].path} was unpickled"
    assert refused, "at least what is needed for an answer is read"
    assert all(len(line.splitlines()) == 1 for line in refused)


@pytest.mark.slow
def test_a_run_unpickles_nothing_that_it_read_from_a_file(tmp_path: Path):
    """Beam sends functions and records between its own threads as pickles, numba keeps code beside its sources."""
    report = tmp_path / "unpickled.json"
    done = subprocess.run(
        [sys.executable, str(WATCHED), str(report), "reproduce", "--preset", "toy", "--only", "table2"],
        cwd=PROJECT,
        env={**os.environ, "QAMAT_HOME": str(tmp_path / "home"), "CI": "true", "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(report.read_text())
    assert found["apache_beam"], "the watcher sees what Beam unpickles"
    assert set(found) <= {"apache_beam", "multiprocessing", "numba"}, found
