"""The flow that encodes another memory for a checkpoint: the one that it was trained over is encoded already."""

from flows import steps
from flows.exhibits import show_index
from flows.lookup import find_encoded, find_index, open_home
from flows.ordered import ordered
from qamat_core.store.store import Store
from qamat_core.training.processes import join
from schemas.artifacts import ArtifactRef, Indexed, Name
from schemas.orders import BuildIndex
from schemas.qamat import IndexConfig, SearchConfig
from schemas.resources import Resources
from tasks.build_index import IndexInputs
from tasks.build_searcher import SearcherInputs


@ordered("build-index")
def build_index(order: BuildIndex) -> Indexed:
    """Encode a memory for a checkpoint, and make what its search needs; what is made already is found."""
    join(order.processes)
    store = open_home(order.home)
    resources = Resources(home=order.home, mesh=order.mesh, processes=order.processes)
    index = index_over(store, store.newest("checkpoint", order.checkpoint), order.memory, resources)
    made = Indexed(index=index, searcher=_searcher(order, index, resources))
    show_index(made, order.memory, order.home)
    return made


def _searcher(order: BuildIndex, index: ArtifactRef, resources: Resources) -> ArtifactRef | None:
    """Return what searches an index; the exact search needs nothing but the index."""
    if order.backend == "exact":
        return None
    inputs = SearcherInputs(index, open_home(order.home).row(index).inputs["encoder"])
    name = f"{order.memory}-{order.backend}"
    return steps.build_searcher(SearchConfig(backend=order.backend), inputs, name=name, resources=resources)


def index_over(store: Store, checkpoint: ArtifactRef, memory: Name, resources: Resources) -> ArtifactRef:
    """Return the index of a memory that a checkpoint can search: by the encoder and in the type of its own.

    Raises:
        MissingArtifactError: there is no such memory, or the checkpoint has encoded none.
    """
    own = store.row(find_index(store, checkpoint))
    pairs = store.newest("qa_pairs", memory)
    if found := find_encoded(store, own.inputs["encoder"], pairs):
        return found
    config = IndexConfig.model_validate_json(own.config)
    inputs = IndexInputs(pairs, own.inputs["encoder"])
    return steps.build_index(config, inputs, name=memory, resources=resources)
