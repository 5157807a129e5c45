"""What a home's files hold is never unpickled: not by who reads an artifact, not by a whole run."""

import io
import json
import os
import pickle  # noqa: TID251 - shows that the planted ones would run
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flows.asking import open_bundle
from qamat_core.store.store import Store
from schemas.answers import Answer, Asked
from schemas.errors import QamatError
from schemas.evaluation import CalibrateConfig
from schemas.promotion import BundleConfig
from schemas.qamat import SearchConfig
from schemas.resources import Resources
from tasks import build_bundle, build_searcher, calibrate
from tests.security.planting import copied, payloads, plant
from tests.tasks.corpus import register
from tests.tasks.test_calibrate import rows as predictions

PROJECT = Path(__file__).parents[2]
WATCHED = Path(__file__).with_name("watched.py")


@pytest.fixture(scope="module")
def in_use(askable: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with all that an answer may be read from: a bundle with a calibration and a search of 8-bit keys."""
    store = Store(shutil.copytree(askable, tmp_path_factory.mktemp("in-use") / "home"))
    resources = Resources(home=str(store.home))
    checkpoint, index = store.newest("checkpoint", "tuned"), store.newest("index", "encoder")
    searched = build_searcher.SearcherInputs(index, store.newest("checkpoint", "encoder"))
    answers = register(store, "predictions", "m", predictions(seed=0))
    judged = calibrate.CalibrateInputs(answers, checkpoint, index)
    parts = build_bundle.BundleInputs(
        checkpoint=checkpoint,
        index=index,
        memory=store.newest("qa_pairs", "m"),
        tokenizer=store.newest("tokenizer", "m"),
        searcher=build_searcher.run(SearchConfig(backend="int8"), searched, name="m", resources=resources),
        calibration=calibrate.run(CalibrateConfig(k=2), judged, name="m", resources=resources),
        passages=(store.newest("passages", "m"),),
    )
    build_bundle.run(BundleConfig(top_k=2), parts, name="m", resources=resources)
    return store.home


def _ask(home: Path) -> list[Answer]:
    bundle = Store(home).newest("bundle", "m")
    engine = open_bundle(str(home), bundle, min_confidence=0, batch_sizes=(1,))
    return engine.answer([Asked(question="Where does Ada live?")])


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


def test_the_home_answers_as_it_is(in_use: Path):
    (answer,) = _ask(in_use)
    assert answer.versions.bundle == "bundle/m@0"
    assert answer.confidence_from == "calibration/m@0"


@pytest.mark.parametrize(
    "kind", ["tokenizer", "checkpoint", "index", "qa_pairs", "passages", "bundle", "calibration", "searcher"]
)
def test_a_pickle_in_the_place_of_a_file_is_refused_in_one_line(kind: str, in_use: Path, tmp_path: Path):
    sign = tmp_path / "taken-over"
    rows = [
        row
        for row in Store(in_use).registry.rows()
        if row.ref.kind == kind and row.ref.name in ("m", "encoder", "tuned")
    ]
    refused: list[str] = []
    places = [(row, file) for row in rows for file in row.files]
    for number, (place, payload) in enumerate((place, payload) for place in places for payload in payloads(sign)):
        home = copied(in_use, tmp_path / str(number))
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
