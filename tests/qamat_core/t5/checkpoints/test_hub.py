"""The hub, played by a local server: one commit, only the files of a T5, nothing twice, one line for what fails."""

from pathlib import Path

import pytest

from qamat_core.t5.checkpoints.hub import download, is_hub_id
from qamat_core.t5.checkpoints.huggingface import read
from schemas.errors import InputError
from tests.hub_server import COMMIT, hub
from tests.qamat_core.t5.checkpoints.foreign import SHAPE, save_huggingface, state, tokenizer


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = save_huggingface(tmp_path_factory.mktemp("repository"), SHAPE, state(SHAPE), shards=2)
    tokenizer("<hl>").save(directory)
    (directory / "pytorch_model.bin").write_bytes(b"a pickle")
    (directory / "modeling.py").write_text("raise SystemExit")
    return directory


def test_a_branch_is_pinned_to_its_commit(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with hub({"org/t5-hl": repository}) as (address, asked):
        monkeypatch.setenv("HF_ENDPOINT", address)
        snapshot = download("org/t5-hl", "main", tmp_path)
        assert snapshot.commit == COMMIT
        assert read(snapshot.directory).model == SHAPE
        names = {path.name for path in snapshot.directory.iterdir()}
        assert {"spiece.model", "added_tokens.json", "config.json"} <= names
        assert not names & {"pytorch_model.bin", "modeling.py"}
        count = len(asked)
        assert download("org/t5-hl", COMMIT, tmp_path) == snapshot
        assert len(asked) == count
    # The hub is gone: what was fetched is there by its commit, and nothing else is.
    assert download("org/t5-hl", COMMIT, tmp_path) == snapshot
    with pytest.raises(InputError, match="org/t5-hl: no such directory, and 'main' of it cannot be had"):
        download("org/t5-hl", "main", tmp_path)


@pytest.mark.parametrize(("repository_id", "revision"), [("org/none", "main"), ("org/t5-hl", "v9")])
def test_what_the_hub_does_not_have_is_one_line(
    repository_id: str, revision: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with hub({"org/t5-hl": repository}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(InputError, match=f"{repository_id}: .* '{revision}' of it cannot be had") as refused:
            download(repository_id, revision, tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("source", "answer"), [("org/name", True), ("t5-small", False), ("a/b/c", False), ("/tmp", False), ("", False)]
)
def test_a_hub_id_has_an_owner(source: str, answer: bool):
    assert is_hub_id(source) is answer
