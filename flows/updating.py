"""The flows that change a memory without making it anew: its entries, then the indexes of them."""

from pathlib import Path

from prefect import flow

from flows import steps
from flows.lookup import encoder_of, find_base, find_encoded, open_home
from qamat_core.store.store import Store
from qamat_core.training.processes import join
from schemas.artifacts import ArtifactRef
from schemas.base import Frozen
from schemas.errors import MissingArtifactError
from schemas.orders import BuildIndex, EditMemory
from schemas.qamat import IndexConfig
from schemas.resources import Resources
from tasks.compact_index import CompactInputs
from tasks.update_index import UpdateInputs


class Edited(Frozen):
    """The next version of a memory, and the edits that were refused."""

    qa_pairs: ArtifactRef
    rejects: ArtifactRef


@flow(name="edit-memory", persist_result=False)
def edit_memory(order: EditMemory) -> Edited:
    """Add, replace and delete entries of a memory."""
    memory = open_home(order.home).newest("qa_pairs", order.memory)
    made = steps.edit_memory(Path(order.edits), memory, name=order.memory, resources=Resources(home=order.home))
    return Edited.model_validate(vars(made))


@flow(name="update-index", persist_result=False)
def update_index(order: BuildIndex) -> ArtifactRef:
    """Encode what changed in a memory since the checkpoint's encoder encoded all of it."""
    join(order.processes)
    store = open_home(order.home)
    resources = Resources(home=order.home, mesh=order.mesh, processes=order.processes)
    memory = store.newest("qa_pairs", order.memory)
    encoder = encoder_of(store, store.newest("checkpoint", order.checkpoint))
    base = find_base(store, encoder, order.memory)
    inputs = UpdateInputs(base, memory, encoder)
    return steps.update_index(_config_of(store, base), inputs, name=order.memory, resources=resources)


@flow(name="compact-index", persist_result=False)
def compact_index(order: BuildIndex) -> ArtifactRef:
    """Make one index of the newest update of a memory's index and what it updates."""
    store = open_home(order.home)
    memory = store.newest("qa_pairs", order.memory)
    encoder = encoder_of(store, store.newest("checkpoint", order.checkpoint))
    index = find_encoded(store, encoder, memory)
    if index is None:
        raise MissingArtifactError(f"{encoder} has encoded no version of {memory}: run `qamat index update` first")
    inputs = CompactInputs(index, memory, encoder)
    return steps.compact_index(
        _config_of(store, index), inputs, name=order.memory, resources=Resources(home=order.home)
    )


def _config_of(store: Store, index: ArtifactRef) -> IndexConfig:
    return IndexConfig.model_validate_json(store.row(index).config)
