"""Checkpoints as artifacts: parameters as safetensors, beside them the configuration that rebuilds the model.

``model.safetensors`` holds every parameter under its T5X path (``encoder/layers_0/attention/query/kernel``);
the same parameters give the same bytes. ``checkpoint.json`` is a ``CheckpointCard``, ``history.parquet`` the training
curve: ``step`` and a column for each metric.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from qamat_core.store.shards import read_shard
from schemas.artifacts import ArtifactRef, Digest
from schemas.base import Frozen
from schemas.errors import CorruptArtifactError
from schemas.model import T5Config

PARAMETERS, CARD, HISTORY = "model.safetensors", "checkpoint.json", "history.parquet"

Params = Mapping[str, Any]
"""A tree of arrays, as flax's ``init`` gives it under ``params``."""


class CheckpointCard(Frozen):
    """What is needed to use a checkpoint: its role, its model's shape, its tokenizer."""

    role: str
    """The stage that made it: generator, init, inbatch, global, finetune, multihop, closed-book, repaq, reranker."""
    model: T5Config
    tokenizer: ArtifactRef
    settings: dict[str, Any]
    """The stage's own configuration (lengths, K), as its configuration model dumps it."""
    memory_encoder: Digest | None = None
    """Content of the checkpoint whose encoder makes the memory that this one searches; None for its own encoder."""


def save_checkpoint(
    directory: Path, params: Params, card: CheckpointCard, history: Sequence[Mapping[str, float]]
) -> None:
    """Write parameters, card and training curve into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    flat = {path: np.asarray(array) for path, array in flatten_dict(dict(params), sep="/").items()}
    save_file(flat, directory / PARAMETERS)
    (directory / CARD).write_text(card.model_dump_json(indent=2) + "\n")
    names = dict.fromkeys(["step", *(name for point in history for name in point)])
    schema = pa.schema([(name, pa.int64() if name == "step" else pa.float64()) for name in names])
    pq.write_table(pa.Table.from_pylist(list(history), schema), directory / HISTORY, write_page_checksum=True)


def load_card(directory: Path) -> CheckpointCard:
    """Read a checkpoint's card."""
    try:
        return CheckpointCard.model_validate_json((directory / CARD).read_text())
    except (OSError, ValueError) as error:
        raise CorruptArtifactError(f"{directory / CARD}: not a checkpoint card; train it again") from error


def load_history(directory: Path) -> pa.Table:
    """Read a checkpoint's training curve; weights that were imported or drawn at random have an empty one."""
    return read_shard(directory / HISTORY)


def load_params(directory: Path) -> Params:
    """Read a checkpoint's parameters as a tree of arrays."""
    try:
        return unflatten_dict(load_file(directory / PARAMETERS), sep="/")
    except (OSError, SafetensorError) as error:
        raise CorruptArtifactError(f"{directory / PARAMETERS}: {error}; train it again") from error
