"""Finding what is registered: people name artifacts, flows pass references."""

from flows.training import Memory, Pretrained
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import MissingArtifactError


def find_memory(store: Store, name: Name) -> Memory:
    """Return the newest memory of a name with its newest pre-training examples."""
    return Memory(qa_pairs=store.newest("qa_pairs", name), examples=store.newest("pretrain_examples", name))


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


def find_encoder(store: Store, checkpoint: ArtifactRef) -> ArtifactRef:
    """Return the checkpoint whose encoder made the memory that a checkpoint searches."""
    return store.row(find_index(store, checkpoint)).inputs["encoder"]
