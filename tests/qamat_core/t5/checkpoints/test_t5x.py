"""Checkpoints of T5X: the same tree as from transformers, the shape of the model inferred from the arrays."""

import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
from flax.serialization import msgpack_restore, msgpack_serialize

from qamat_core.t5.checkpoints import t5x
from qamat_core.t5.checkpoints.external import read_weights, weight_files
from qamat_core.t5.conversion import from_transformers
from schemas.errors import InputError
from schemas.model import T5Config
from tests.qamat_core.t5.checkpoints.foreign import OLD, SHAPE, save_huggingface, save_t5x, state
from tests.qamat_core.t5.checkpoints.test_huggingface import equal


@pytest.mark.parametrize("model", [SHAPE, OLD], ids=["1.1", "1.0"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"layout": "no optimizer"},
        {"layout": "flat"},
        {"driver": "gcs"},
        {"driver": "gfile", "inline": ()},
        {"dtype": "bfloat16"},
        {"dtype": "uint16"},
        {"inline": ("scale", "rel_embedding", "kernel", "embedding")},
    ],
    ids=str,
)
def test_both_routes_give_the_same_tree(model: T5Config, how: dict[str, object], tmp_path: Path):
    weights = state(model)
    saved = save_t5x(tmp_path / "checkpoint_1000000", from_transformers(weights, model), **how)
    ours, theirs = read_weights(saved), read_weights(save_huggingface(tmp_path / "hf", model, weights))
    assert ours.model == theirs.model == model
    assert equal(ours.params, theirs.params)
    assert {leaf.dtype for leaf in jax.tree.leaves(ours.params)} == {np.dtype(np.float32)}


def test_what_was_inferred_is_told(tmp_path: Path):
    notes = t5x.read(save_t5x(tmp_path / "c", from_transformers(state(SHAPE), SHAPE))).notes
    assert "num_heads 2, head_dim 6, d_ff 20" in notes["inferred"]
    assert "relative_max_distance 128" in notes["assumed"]


def test_every_file_is_part_of_the_key(tmp_path: Path):
    saved = save_t5x(tmp_path / "c", from_transformers(state(SHAPE), SHAPE))
    (saved / "train_ds-000-of-001").write_text("not read")
    assert set(weight_files(saved)) == {file for file in saved.rglob("*") if file.is_file()} - {
        saved / "train_ds-000-of-001"
    }


def test_scanned_layers_are_refused():
    shapes = {"token_embedder/embedding": (256, 16), "encoder/encoder/attention/query/kernel": (16, 2, 12)}
    with pytest.raises(InputError, match="scan_layers"):
        t5x.infer_config(shapes)


def change(directory: Path, path: str, leaf: object) -> None:
    """Replace one leaf of the target by its path."""
    contents = msgpack_restore((directory / "checkpoint").read_bytes())
    *parents, last = path.split("/")
    node = contents["optimizer"]["target"]
    for parent in parents:
        node = node[parent]
    if leaf is None:
        del node[last]
    else:
        node[last] = leaf
    (directory / "checkpoint").write_bytes(msgpack_serialize(contents))


def test_adafactors_state_is_not_read(tmp_path: Path):
    """It is as large as the parameters; neither that it is there nor that it is damaged makes a difference."""
    params = from_transformers(state(SHAPE), SHAPE)
    saved = save_t5x(tmp_path / "c", params)
    contents = msgpack_restore((saved / "checkpoint").read_bytes())
    elsewhere = {"driver": "zarr", "kvstore": {"driver": "file", "path": "state.none"}, "metadata": {}}
    states = {"decoder": {"logits_dense": {"kernel": {"v_row": np.zeros(16, np.float32), "v_col": elsewhere}}}}
    contents["optimizer"]["state"]["param_states"] = states
    (saved / "checkpoint").write_bytes(msgpack_serialize(contents))
    (saved / "state.param_states.decoder.decoder_norm.scale.v").mkdir()
    (saved / "state.param_states.decoder.decoder_norm.scale.v" / ".zarray").write_text("damaged")
    assert equal(t5x.read(saved).params, params)
    assert not [file for file in weight_files(saved) if "param_states" in str(file)]


QUERY = "encoder/layers_0/attention/query/kernel"
OUTSIDE = {"driver": "zarr", "kvstore": {"driver": "file", "path": "../elsewhere"}, "metadata": {}}


@pytest.mark.parametrize(
    ("path", "leaf", "reason"),
    [
        (QUERY, OUTSIDE, "outside of the checkpoint"),
        (QUERY, np.zeros((16, 14), np.float32), r"is \(16, 14\)|\(12, 16\)|the configuration has"),
        (QUERY, "PLACEHOLDER://x", "neither an array nor"),
        ("encoder/layers_1/mlp/wo/kernel", None, "missing, the first 'encoder/layers_1/mlp/wo/kernel'"),
        ("encoder/layers_0/adapter", np.zeros(3, np.float32), "left over, the first 'encoder/layers_0/adapter'"),
        ("token_embedder/embedding", None, "no array 'token_embedder/embedding'"),
    ],
)
def test_what_is_not_a_t5_is_named(path: str, leaf: object, reason: str, tmp_path: Path):
    saved = save_t5x(tmp_path / "c", from_transformers(state(SHAPE), SHAPE))
    change(saved, path, leaf)
    with pytest.raises(InputError, match=reason) as refused:
        t5x.read(saved)
    assert str(saved) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_damage_is_one_line(tmp_path: Path):
    saved = save_t5x(tmp_path / "whole", from_transformers(state(SHAPE), SHAPE))
    array = "target.token_embedder.embedding"
    for name, harm in {
        "no-array": lambda place: shutil.rmtree(place / array),
        "no-chunk": lambda place: (place / array / "1.0").unlink(),
        "bad-chunk": lambda place: (place / array / "1.0").write_bytes(b"nothing"),
        "no-msgpack": lambda place: (place / "checkpoint").write_bytes(b"\xc1 nothing"),
        "no-target": lambda place: (place / "checkpoint").write_bytes(msgpack_serialize({"version": 3})),
    }.items():
        shutil.copytree(saved, tmp_path / name)
        harm(tmp_path / name)
        with pytest.raises(InputError) as refused:
            t5x.read(tmp_path / name)
        assert str(tmp_path / name) in str(refused.value)
        assert "\n" not in str(refused.value)


def test_neither_format_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="neither a checkpoint of transformers"):
        read_weights(tmp_path)
