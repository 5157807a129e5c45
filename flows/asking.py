"""Asking a home: finds the model, its index and its passages by name, and opens what answers. Nothing is stored."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from flows.lookup import (
    find_calibration,
    find_index,
    find_index_over,
    find_model,
    find_passages,
    find_searcher,
    open_home,
)
from qamat_core.promotion.bundle import Bundle
from qamat_core.store.store import Store
from qamat_core.store.tags import find_tag
from schemas.artifacts import ArtifactRef, Pretrained
from schemas.errors import IncompatibleArtifactError
from schemas.qamat import Backend
from tasks.answering import AnswerInputs, Engine

BATCH_SIZES: Final = (1, 8, 32)
"""Batches are padded to the smallest of these that holds their questions."""


def open_engine(
    home: str,
    checkpoint: str | None,
    memory: str | None,
    *,
    backend: Backend = "exact",
    top_k: int | None,
    min_confidence: float,
    batch_sizes: Sequence[int],
) -> Engine:
    """Open a checkpoint over a memory; both are NAME or NAME@VERSION.

    Args:
        home: where the artifacts are.
        checkpoint: None for the newest fine-tuned model.
        memory: None for the one that the checkpoint was trained over.
        backend: what searches the memory.
        top_k: entries that are read; None for as many as in training.
        min_confidence: below it the engine abstains.
        batch_sizes: sizes of the batches that are compiled.

    Raises:
        MissingArtifactError: one of them is not there, or nothing was trained yet.
        IncompatibleArtifactError: the memory was encoded by another encoder than the checkpoint's.
        InputError: ``top_k`` exceeds the memory.
    """
    store = open_home(home)
    model = find_model(store, checkpoint)
    index = find_index(store, model) if memory is None else find_index_over(store, model, memory)
    row = store.row(model)
    top_k = top_k or int(json.loads(row.config)["top_k"])
    passages = tuple(find_passages(store, store.row(index).inputs["memory"]))
    calibration = find_calibration(store, Pretrained(checkpoint=model, index=index), top_k)
    return Engine.open(
        store,
        AnswerInputs(model, index, passages, calibration, find_searcher(store, index, backend)),
        top_k=top_k,
        rounds=2 if row.module == "tasks.train_multihop" else 1,
        min_confidence=min_confidence,
        batch_sizes=batch_sizes,
    )


def find_bundle(store: Store, tag: str) -> ArtifactRef:
    """Return the bundle that a tag names now.

    Raises:
        MissingArtifactError: there is no such tag.
        IncompatibleArtifactError: it names something else.
    """
    named = find_tag(store.registry, tag)
    if named.target.kind != "bundle":
        raise IncompatibleArtifactError(f"{named} names no bundle: `qamat promote` makes one and moves a tag")
    return named.target


def open_bundle(
    home: str, ref: ArtifactRef, *, top_k: int | None = None, min_confidence: float, batch_sizes: Sequence[int]
) -> Engine:
    """Open a bundle: exactly what it names, whatever was made since.

    Args:
        home: where the artifacts are.
        ref: the bundle.
        top_k: entries that are read; None for as many as the bundle says.
        min_confidence: below it the engine abstains.
        batch_sizes: sizes of the batches that are compiled.

    Raises:
        MissingArtifactError: a part is registered no more.
        CorruptArtifactError: a file of a part is damaged.
        InputError: ``top_k`` exceeds the memory.
    """
    store = open_home(home)
    bundle = Bundle.load(store.open_directory(ref))
    calibration = bundle.calibration if top_k in (None, bundle.top_k) else None
    engine = Engine.open(
        store,
        AnswerInputs(bundle.checkpoint, bundle.index, bundle.passages, calibration, bundle.searcher),
        top_k=top_k or bundle.top_k,
        rounds=bundle.rounds,
        min_confidence=min_confidence,
        batch_sizes=batch_sizes,
    )
    return replace(engine, versions=engine.versions.model_copy(update={"bundle": str(ref)}))
