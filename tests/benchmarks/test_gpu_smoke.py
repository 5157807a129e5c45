"""The smoke run trains, tells and writes on a CPU too; without a GPU it ends well."""

import csv
from pathlib import Path

import jax
import pytest

from tests.benchmarks.gpu_smoke import PROFILED_STEPS, WARM_STEPS, main


def test_both_stages_are_trained_and_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["--platform", "cpu", "--steps", "2", "--preset", "toy", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    for stage in ("in-batch", "global"):
        assert f"{stage}: " in printed
        lines = list(csv.reader((tmp_path / f"{stage}.csv").read_text().splitlines()))
        assert lines[0] == ["step", "loss"]
        assert len(lines) == 1 + WARM_STEPS + 2 + PROFILED_STEPS
        assert all(0 < float(loss) < 100 for _, loss in lines[1:])
    for words in ("ms/step", "tokens/s", "MFU", "TFLOP/step", "entries/s", "%  "):
        assert words in printed


def test_real_passages_that_are_not_there_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    given = ["--platform", "cpu", "--preset", "toy", "--data", str(tmp_path / "none.tsv")]
    assert main(given) == 1
    assert capsys.readouterr().err == f"gpu-smoke: {tmp_path / 'none.tsv'}: no such file: check the path\n"


@pytest.mark.skipif(jax.default_backend() == "gpu", reason="there is a GPU")
def test_without_a_gpu_it_is_skipped(capsys: pytest.CaptureFixture[str]):
    assert main([]) == 0
    assert capsys.readouterr().out == "no GPU: skipped\n"
