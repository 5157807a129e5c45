"""`qamat corpus import-generator`: what it prints, and one line for what is wrong."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_card
from schemas.prompts import PAQ
from tests.flows.cli.conftest import Finished
from tests.qamat_core.t5.checkpoints.foreign import SHAPE, save_huggingface, state, tokenizer

Qamat = Callable[..., Finished]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = save_huggingface(tmp_path / "t5", SHAPE, state(SHAPE))
    tokenizer().save(directory)
    return directory


def test_a_directory_becomes_a_generator(qamat: Qamat, source: Path, home: Path, tmp_path: Path):
    (tmp_path / "prompts.json").write_text(json.dumps(PAQ.model_dump()))
    prompts, lengths = str(tmp_path / "prompts.json"), "48,8,12"
    arguments = ("--name", "paq", "--prompts", prompts, "--lengths", lengths, "--task", "generation", "--json")
    done = qamat("corpus", "import-generator", source, *arguments)
    assert (done.code, done.json["computed"]) == (0, 1), done.err
    assert done.json["notes"] == {"source": str(source), "format": "huggingface"}
    store = Store(home)
    settings = load_card(store.open_directory(store.newest("checkpoint", "paq"))).settings
    assert settings["lengths"] == {"passage": 48, "question": 8, "answer": 12}
    assert settings["prompts"] == PAQ.model_dump()
    assert settings["tasks"] == ["generation"]


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("none", "--prompts", "plain"), 1, "none: no such directory, and no hub id 'org/name'"),
        (("{source}", "--prompts", "none"), 1, "neither sentinel, plain, highlight, paq nor a JSON file"),
        (("{source}", "--prompts", "plain", "--lengths", "3"), 2, "--lengths 3: give three numbers"),
        (("{source}", "--prompts", "plain", "--task", "asking"), 1, "ImportGenerator.tasks.0"),
        (("{source}/spiece.model", "--prompts", "plain"), 1, "no such directory"),
    ],
)
def test_what_is_wrong_is_one_line(qamat: Qamat, source: Path, arguments: tuple[str, ...], code: int, line: str):
    asked = [argument.format(source=source) for argument in arguments]
    refused = qamat("corpus", "import-generator", *asked, "--name", "n")
    assert refused.code == code
    assert line in " ".join(refused.err.split())
    assert "Traceback" not in refused.err
