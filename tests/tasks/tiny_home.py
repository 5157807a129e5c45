"""A home that can be asked: a memory of who lives where, random weights that pass for a fine-tuned model, an index."""

import shutil
from pathlib import Path

import jax
import pyarrow as pa

from qamat_core.qamat.index import load_index
from qamat_core.store.store import DirectoryDraft, Job, Store, write_table
from qamat_core.t5.initialize import fit_vocabulary
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import CheckpointCard, save_checkpoint
from schemas.artifacts import ArtifactRef
from schemas.base import Frozen
from schemas.generation import TrainTokenizerConfig
from schemas.qamat import IndexConfig
from schemas.resources import Resources
from schemas.tables import QA_PAIRS
from schemas.training import TokenizerConfig
from tasks import build_index, train_tokenizer
from tests.qamat_core.qamat import tiny
from tests.tasks.corpus import pair, passage, register

SCRIPT = "<script>document.title = 'taken over'</script><img src=x onerror=alert(1)>"
"""Stands in the first entry's question and in the first passage."""


class _TopK(Frozen):
    top_k: int = 2


def make_home(home: Path) -> Store:
    """Register entries q0 to q9 of passages p0 to p9, and the checkpoints "encoder", "other" and "tuned"."""
    store, resources = Store(home), Resources(home=str(home))
    people = list(zip(tiny.PEOPLE, tiny.TOWNS, strict=True))
    script = [SCRIPT] + [""] * (len(people) - 1)
    begun = [f"\N{GRINNING FACE} {told}{name} lives in " for told, (name, _) in zip(script, people, strict=True)]
    texts = [passage(number, f"{start}{people[number][1]}, does she?") for number, start in enumerate(begun)]
    passages = register(store, "passages", "m", texts)
    rows = [
        pair(f"q{number}", f"Where does {name} live?{script[number]}", town, f"p{number}", len(begun[number]))
        for number, (name, town) in enumerate(people)
    ]
    table = pa.Table.from_pylist(rows, schema=QA_PAIRS)
    made = Job("tasks.build_memory", _TopK(), {"passages": passages}, {"qa_pairs": ("qa_pairs", "m")})
    write = lambda work: {"qa_pairs": write_table(table, "qa_pairs", work, read=len(rows))}  # noqa: E731
    memory = store.produce(made, write)["qa_pairs"]
    pieces = TrainTokenizerConfig(tokenizer=TokenizerConfig(vocab_size=90))
    tokenizer = train_tokenizer.run(pieces, [passages], name="m", resources=resources)
    encoder = make_checkpoint(store, tokenizer, "encoder", 1.0, {})
    index = build_index.run(
        IndexConfig(batch_size=16), build_index.IndexInputs(memory, encoder), name="encoder", resources=resources
    )
    _as_if_encoded_by(make_checkpoint(store, tokenizer, "other", 1.1, {}), store, index)
    make_checkpoint(store, tokenizer, "tuned", 1.0, {"index": index, "start": encoder})
    return store


def _as_if_encoded_by(encoder: ArtifactRef, store: Store, index: ArtifactRef) -> None:
    """Register a copy of an index that says that another encoder made it."""
    inputs = {"memory": store.row(index).inputs["memory"], "encoder": encoder}
    job = Job("tasks.build_index", IndexConfig(batch_size=16), inputs, {"index": ("index", encoder.name)})

    def build(work: Path) -> dict[str, DirectoryDraft]:
        directory = shutil.copytree(store.open_directory(index), work / "index")
        load_index(directory)[1].model_copy(update={"encoder": encoder.content}).save(directory)
        return {"index": DirectoryDraft(directory)}

    store.produce(job, build)


def make_checkpoint(
    store: Store, tokenizer: ArtifactRef, name: str, scale: float, inputs: dict[str, ArtifactRef]
) -> ArtifactRef:
    """Register random weights as a checkpoint: fine-tuned where it has inputs, else an encoder."""
    t5 = fit_vocabulary(tiny.config().t5, Tokenizer.load(store.open_directory(tokenizer)))
    assert t5 == tiny.config().t5, "the parameters fit"
    model = tiny.config()
    card = CheckpointCard(
        role=name,
        model=t5,
        tokenizer=tokenizer,
        settings={"model": model.model_dump(mode="json")},
        memory_encoder=inputs["start"].content if inputs else None,
    )
    module = "tasks.train_finetune" if inputs else "tasks.train_inbatch"
    job = Job(module, _TopK(), {"tokenizer": tokenizer, **inputs}, {"checkpoint": ("checkpoint", name)})

    def build(work: Path) -> dict[str, DirectoryDraft]:
        save_checkpoint(work / "checkpoint", jax.tree.map(lambda leaf: scale * leaf, tiny.params()), card, [])
        return {"checkpoint": DirectoryDraft(work / "checkpoint")}

    return store.produce(job, build)["checkpoint"]
