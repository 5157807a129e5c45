"""`qamat plan` as a person sees it: two tables, exit 1 with what to change, one line for what cannot be planned."""

import pytest

from schemas import presets
from schemas.preset_models import Preset
from tests.qamat_core.planning.tiny import plan_only, tiny


def let_base_be(monkeypatch: pytest.MonkeyPatch, made: Preset, *stages: str) -> None:
    monkeypatch.setattr(presets, "PRESETS", {"base": lambda: made})
    plan_only(monkeypatch, *stages)


def test_what_fits_is_printed_with_its_times(qamat, monkeypatch: pytest.MonkeyPatch):
    let_base_be(monkeypatch, tiny(), "encoding", "generation")
    done = qamat("plan", "--preset", "base", "--memory-size", 4096, "--topology", "cpu")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[:2] == ["base, a memory of 4,096 entries, cpu", "mesh 1x1, devices of 24.00 GiB"]
    sizes, times = (line.split("\t") for line in lines if line.startswith("generation"))
    assert all(cell == "-" or cell.endswith(("GiB", "MiB", "KiB")) for cell in sizes[1:])
    assert times[-2] == "512"  # batches of 8
    assert lines[-1].startswith("all stages fit; together ")
    assert "[1/8] compiling encoding" in done.err


def test_what_does_not_fit_exits_1_and_says_what_to_change(qamat, monkeypatch: pytest.MonkeyPatch):
    let_base_be(monkeypatch, tiny(batch_size=2**20), "encoding")  # 27 GB of attention
    done = qamat("plan", "--preset", "base", "--memory-size", 4096, "--topology", "cpu", "--json")
    assert done.code == 1
    (stage,) = done.json["stages"]
    assert not stage["fits"]
    assert stage["margin"] < 0
    assert "encoding does not fit: it lacks " in done.err
    assert "it fits with a quarter of the rows at a time" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--topology", "v9:4x4"), "topology 'v9:4x4': give cpu, gpu or one such as v3:4x4"),
        (("--topology", "cpu", "--mesh", "1x5"), "a mesh of 1 x 5 does not fill cpu"),
    ],
)
def test_what_cannot_be_planned_is_one_line(qamat, arguments: tuple[str, ...], said: str):
    done = qamat("plan", *arguments)
    assert done.code == 1
    assert said in done.err
    assert "Traceback" not in done.err
