"""A checkpoint gives back what was saved, byte for byte, and says what is wrong with a broken one."""

from pathlib import Path

import jax
import numpy as np
import pytest

from qamat_core.store.shards import directory_digest, directory_entries
from qamat_core.training.checkpoint import (
    CARD,
    HISTORY,
    PARAMETERS,
    CheckpointCard,
    load_card,
    load_history,
    load_params,
    save_checkpoint,
)
from schemas.artifacts import ArtifactRef
from schemas.errors import CorruptArtifactError
from schemas.model import T5Config

REF = ArtifactRef(kind="tokenizer", name="t", version=0, key="0" * 64, content="1" * 64, uri="t")
CHECKPOINT = CheckpointCard(role="generator", model=T5Config(d_model=8), tokenizer=REF, settings={"k": [1, 2]})
PARAMS = {"encoder": {"layers_0": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3)}}, "scale": np.ones(2)}


def test_parameters_and_card_come_back(tmp_path: Path):
    curve = [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.1, "recall": 1.0}]
    save_checkpoint(tmp_path, PARAMS, CHECKPOINT, curve)
    assert load_history(tmp_path).to_pylist() == [curve[0] | {"recall": None}, curve[1]]
    jax.tree.map(np.testing.assert_array_equal, load_params(tmp_path), PARAMS)
    assert load_card(tmp_path) == CHECKPOINT


def test_the_same_parameters_give_the_same_bytes(tmp_path: Path):
    turned = dict(reversed(PARAMS.items()))
    for name, params in (("a", PARAMS), ("b", turned)):
        save_checkpoint(tmp_path / name, params, CHECKPOINT, [])
    digests = [directory_digest(directory_entries(tmp_path / name)) for name in ("a", "b")]
    assert digests[0] == digests[1]


@pytest.mark.parametrize(("name", "load"), [(CARD, load_card), (PARAMETERS, load_params), (HISTORY, load_history)])
def test_a_broken_file_is_named(tmp_path: Path, name: str, load: object):
    save_checkpoint(tmp_path, PARAMS, CHECKPOINT, [])
    (tmp_path / name).write_bytes(b"{")
    with pytest.raises(CorruptArtifactError, match=name):
        load(tmp_path)  # pyright: ignore[reportCallIssue]
