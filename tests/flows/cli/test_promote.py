"""`qamat promote` and `qamat serve --bundle` refuse what cannot be before anything is opened."""

import json
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("gate", "line"),
    [
        (None, "gate.json: no gate can be read there ("),
        ("{", "gate.json: no gate can be read there ("),
        (
            '{"thresholds": {"min_em": 101}}',
            "Promote.gate.thresholds.min_em: Input should be less than or equal to 100",
        ),
        (
            '{"thresholds": {"min_speed": -1}}',
            "Promote.gate.thresholds.min_speed: Input should be greater than or equal",
        ),
        ('{"min_em": 1}', "Promote.gate.min_em: Extra inputs are not permitted"),
        ("[]", "Promote.gate: Input should be a valid dictionary or instance of GateConfig"),
    ],
)
def test_a_gate_that_is_none_is_refused(refused, tmp_path: Path, gate: str | None, line: str):
    if gate is not None:
        (tmp_path / "gate.json").write_text(gate)
    given = ("--checkpoint", "x", "--questions", "q", "--gate", tmp_path / "gate.json")
    assert line in refused("promote", *given)


def test_questions_are_named_or_read_from_a_file(refused, qamat):
    assert "give the questions either by name or as a file" in refused("promote", "--checkpoint", "x")
    assert qamat("promote", "--checkpoint", "x", "--dataset", "nq").code == 2


@pytest.mark.parametrize("tag", ["Production", "a/b", "", "x" * 65])
def test_a_tag_that_is_none_is_refused(refused, tag: str):
    assert "Promote.tag: String should match pattern" in refused(
        "promote", "--checkpoint", "x", "--questions", "q", "--tag", tag
    )


@pytest.mark.parametrize("more", [("--checkpoint", "x"), ("--memory", "m"), ("--backend", "int8")])
def test_a_bundle_is_served_alone(qamat, more: tuple[str, str]):
    result = qamat("serve", "--bundle", "production", *more)
    assert result.code == 2
    assert "a bundle has its own checkpoint" in result.err


def test_the_defaults_of_the_gate_are_those_of_the_docs():
    from schemas.promotion import GateConfig  # noqa: PLC0415 - as the command line does

    page = (Path(__file__).parents[3] / "docs" / "promotion.md").read_text()
    for name, value in json.loads(GateConfig().thresholds.model_dump_json()).items():
        assert f"`{name}` {value:g}" in page
