"""Finding what is registered: people name artifacts, flows pass references."""

import json
from typing import Final

from qamat_core.store.lineage import lineage
from qamat_core.store.storage import open_storage
from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_card
from schemas.artifacts import ArtifactRef, Kind, Memory, Name, Pretrained
from schemas.errors import IncompatibleArtifactError, MissingArtifactError
from schemas.model import T5Config
from schemas.qamat import Backend
from tasks.count_corpus import CountInputs, Generation, Imported

STARTS: Final = frozenset({"init", "inbatch", "global", "finetune", "multihop"})
"""Roles of the checkpoints that in-batch pre-training can start from."""
IMPORT: Final = "tasks.import_start"
"""The job that brings in what a model starts from."""
UPDATE: Final = "tasks.update_index"
"""The job that encodes what changed in a memory."""
STUDY_MODEL: Final = "world-generated-s0-finetune"
"""The model of `qamat reproduce` that is asked when none is named."""


def open_home(home: str) -> Store:
    """Open a home that must be there already.

    Raises:
        MissingArtifactError: it is a directory that does not exist.
    """
    storage = open_storage(home)
    if not storage.exists():
        raise MissingArtifactError(f"no artifacts at {storage}: give --home or set QAMAT_HOME")
    return Store(home)


def find_memory(store: Store, name: Name) -> Memory:
    """Return the newest memory of a name with the newest pre-training examples that were made of it.

    Raises:
        MissingArtifactError: there is no such memory, or it has no examples yet.
    """
    memory = store.newest("qa_pairs", name)
    for row in reversed(store.registry.rows()):
        if row.ref.kind == "pretrain_examples" and row.inputs["qa_pairs"].content == memory.content:
            return Memory(qa_pairs=memory, examples=row.ref)
    raise MissingArtifactError(f"{memory} has no pre-training examples yet: run `qamat corpus regenerate` to its end")


def find_trained(store: Store, checkpoint: Name) -> Pretrained:
    """Return the newest checkpoint of a name with the index that it was trained over or that it encoded.

    Raises:
        MissingArtifactError: there is no such checkpoint, or no index that it can search.
    """
    ref = store.newest("checkpoint", checkpoint)
    return Pretrained(checkpoint=ref, index=find_index(store, ref))


def find_index(store: Store, checkpoint: ArtifactRef) -> ArtifactRef:
    """Return the index that a checkpoint was trained over, else the newest that it encoded."""
    if index := store.row(checkpoint).inputs.get("index"):
        return index
    for row in reversed(store.registry.rows()):
        if row.ref.kind == "index" and row.inputs["encoder"].content == checkpoint.content:
            return row.ref
    raise MissingArtifactError(f"{checkpoint} has encoded no memory: run `qamat train inbatch` with its name")


def find_calibration(store: Store, model: Pretrained, k: int) -> ArtifactRef | None:
    """Return the newest calibration of a checkpoint's confidence over an index with K entries read; None without."""
    wanted = {"checkpoint": model.checkpoint.content, "index": model.index.content}
    for row in reversed(store.registry.rows()):
        if row.ref.kind == "calibration" and json.loads(row.config)["k"] == k:
            given = {label: row.inputs[label].content for label in wanted if label in row.inputs}
            if given == wanted:
                return row.ref
    return None


def encoder_of(store: Store, checkpoint: ArtifactRef) -> ArtifactRef:
    """Return the checkpoint whose encoder makes the memory that a checkpoint searches."""
    return store.row(find_index(store, checkpoint)).inputs["encoder"]


def find_encoded(store: Store, encoder: ArtifactRef, memory: ArtifactRef) -> ArtifactRef | None:
    """Return the newest index, whole or an update, of this version of a memory by an encoder."""
    for row in reversed(store.registry.rows()):
        made_of = {label: ref.content for label, ref in row.inputs.items()}
        if row.ref.kind == "index" and (made_of["encoder"], made_of["memory"]) == (encoder.content, memory.content):
            return row.ref
    return None


def find_base(store: Store, encoder: ArtifactRef, memory: Name) -> ArtifactRef:
    """Return the newest index by an encoder that has all entries of a version of a memory.

    Raises:
        MissingArtifactError: there is none.
    """
    for row in reversed(store.registry.rows()):
        whole = row.module in ("tasks.build_index", "tasks.compact_index")
        if whole and (row.inputs["encoder"].content, row.inputs["memory"].name) == (encoder.content, memory):
            return row.ref
    raise MissingArtifactError(f"{encoder} has encoded no version of qa_pairs/{memory}: run `qamat index build` first")


def find_index_over(store: Store, checkpoint: ArtifactRef, memory: str) -> ArtifactRef:
    """Return the newest index of a memory, NAME or NAME@VERSION, that a checkpoint can search.

    Raises:
        MissingArtifactError: there is no such memory, or nobody has encoded it.
        IncompatibleArtifactError: other encoders than the checkpoint's have encoded it.
    """
    pairs, encoder = find_named(store, "qa_pairs", memory), encoder_of(store, checkpoint)
    if index := find_encoded(store, encoder, pairs):
        return index
    remedy = f"run `qamat index build --checkpoint {checkpoint.name} --memory {pairs.name}`"
    for row in reversed(store.registry.rows()):
        if row.ref.kind == "index" and row.inputs["memory"].content == pairs.content:
            other = row.inputs["encoder"]
            raise IncompatibleArtifactError(
                f"{pairs} was encoded by {other}, {checkpoint} searches by {encoder}: {remedy}"
            )
    raise MissingArtifactError(f"nobody has encoded {pairs}: {remedy}")


def find_searcher(store: Store, index: ArtifactRef, backend: Backend) -> ArtifactRef | None:
    """Return the newest searcher of an index, or of the one that it updates; None for exact search.

    Raises:
        MissingArtifactError: none was built.
    """
    if backend == "exact":
        return None
    whole = store.row(index).inputs.get("index", index) if store.row(index).module == UPDATE else index
    for row in reversed(store.registry.rows()):
        own = row.ref.kind == "searcher" and row.inputs["index"].content == whole.content
        if own and json.loads(row.config)["backend"] == backend:
            return row.ref
    raise MissingArtifactError(f"{whole} has no searcher {backend}: run `qamat index build --backend {backend}`")


def find_named(store: Store, kind: Kind, text: str) -> ArtifactRef:
    """Return the newest version of NAME, or the one of NAME@VERSION.

    Raises:
        MissingArtifactError: there is none.
    """
    name, _, version = text.partition("@")
    if version and not (version.isdecimal() and len(version) < 10):
        raise MissingArtifactError(f"{text!r} is no version of kind {kind}: give NAME or NAME@VERSION")
    return store.newest(kind, name, int(version) if version else None)


def find_start(store: Store, name: Name) -> ArtifactRef:
    """Return the newest checkpoint of a name, a T5 that was brought in or a QAMAT of ours, to start from.

    Raises:
        MissingArtifactError: there is none of that name.
        IncompatibleArtifactError: it is something else.
    """
    ref = store.newest("checkpoint", name)
    role = load_card(store.open_directory(ref)).role
    if role not in STARTS:
        raise IncompatibleArtifactError(
            f"{ref} is not made to start from, it is a {role}: name a checkpoint of `qamat train`, such as NAME-inbatch"
        )
    return ref


def find_t5(store: Store, checkpoint: ArtifactRef) -> T5Config | None:
    """Return the shape of a model that started from a public T5; None if it started from random weights."""
    row = store.row(checkpoint)
    while "start" in row.inputs:
        row = store.row(row.inputs["start"])
    return shape_of(store, checkpoint) if row.module == IMPORT else None


def shape_of(store: Store, checkpoint: ArtifactRef) -> T5Config:
    """Return the shape of a checkpoint's T5."""
    return load_card(store.open_directory(checkpoint)).model


def find_passages(store: Store, memory: ArtifactRef) -> list[ArtifactRef]:
    """Return the passages that a memory was made of, or made with (a world's gold memory)."""
    own = store.row(memory)
    made_of = [row.ref for row in lineage(store, memory).ancestors()]
    made_with = [row.ref for row in store.registry.rows() if (row.module, row.config) == (own.module, own.config)]
    return [ref for ref in made_of or made_with if ref.kind == "passages"]


def find_model(store: Store, checkpoint: str | None) -> ArtifactRef:
    """Return a checkpoint, NAME or NAME@VERSION; of none, the study's fine-tuned model, else the newest of its kind.

    Raises:
        MissingArtifactError: nothing was trained yet.
    """
    if checkpoint is not None:
        return find_named(store, "checkpoint", checkpoint)
    tuned = [row.ref for row in store.registry.rows() if row.module == "tasks.train_finetune"]
    if not tuned:
        raise MissingArtifactError(f"no fine-tuned model in {store.storage}: run `qamat reproduce --preset mini`")
    return next((ref for ref in reversed(tuned) if ref.name == STUDY_MODEL), tuned[-1])


def find_spans(store: Store, pairs: ArtifactRef) -> ArtifactRef:
    """Return the spans of imported pairs: what the same job made.

    Raises:
        MissingArtifactError: the pairs were not imported.
    """
    own = store.row(pairs)
    for row in store.registry.rows():
        if row.ref.kind == "pair_spans" and (row.config, row.inputs, row.code) == (own.config, own.inputs, own.code):
            return row.ref
    raise MissingArtifactError(f"{pairs} was not imported: run `qamat corpus import`")


def find_counted(store: Store, memory: ArtifactRef) -> CountInputs:
    """Return a memory with what it was made of: generated tables, imported pairs, or itself if it was imported."""
    row = store.row(memory)
    if row.module == "tasks.import_pairs":
        return CountInputs(memory, imported=(Imported(memory, find_spans(store, memory)),))
    given = [ref for label, ref in row.inputs.items() if label.startswith("imported-")]
    imported = tuple(Imported(ref, find_spans(store, ref)) for ref in given)
    if "questions" not in row.inputs:
        return CountInputs(memory, imported=imported)
    questions, verdicts = row.inputs["questions"], row.inputs["verdicts"]
    passages = store.row(questions).inputs["passages"]
    return CountInputs(memory, Generation(passages, questions, verdicts), imported)


def find_learned(store: Store, checkpoint: ArtifactRef) -> list[ArtifactRef]:
    """Return the questions of data sets that a checkpoint, and what it started from, was trained on."""
    found: dict[str, ArtifactRef] = {}
    row = store.row(checkpoint)
    while True:
        if (questions := row.inputs.get("questions")) and questions.kind == "qa_examples":
            found[questions.content] = questions
        if "start" not in row.inputs:
            return list(found.values())
        row = store.row(row.inputs["start"])
