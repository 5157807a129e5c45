"""The baseline of Table 3 that reads passages: MDR's two rounds of retrieval, and FiD over what both find."""

from flows import steps
from flows.study import Study
from schemas.artifacts import ArtifactRef
from tasks.encode_passages import EncodingInputs
from tasks.evaluate_passages import PassageReadingInputs
from tasks.reading_stage import ReadingInputs
from tasks.retrieve_hops import HopsInputs
from tasks.retrieve_passages import RetrievalInputs
from tasks.train_mdr import MdrInputs


def ask_mdr(study: Study, seed: int) -> ArtifactRef:
    """Let a seed's FiD answer the two-hop questions from the passages of both hops."""
    numbers, world, resources = study.numbers.training.seeded(seed).passages, study.world, study.resources
    start = study.model("gold", seed).inbatch.checkpoint
    name = f"{study.name}-s{seed}-mdr"
    encoder = _retriever(study, seed, start, name)
    vectors = steps.encode_passages(
        numbers.encode, EncodingInputs(world.passages, encoder), name=name, resources=resources
    )
    train, asked = (
        steps.retrieve_hops(
            numbers.hops,
            HopsInputs(vectors, world.two_hop[split], encoder),
            name=f"{name}-{split}",
            resources=resources,
        )
        for split in ("train", study.split)
    )
    inputs = ReadingInputs(start, world.passages, world.two_hop["train"], train)
    checkpoint = steps.train_fid(numbers.two_hop_fid, inputs, name=f"{name}-fid", resources=resources)
    reading = PassageReadingInputs(checkpoint, world.passages, world.two_hop[study.split], asked)
    return steps.evaluate_passages(numbers.evaluate, reading, name=f"{name}-fid-{study.split}", resources=resources)


def _retriever(study: Study, seed: int, start: ArtifactRef, name: str) -> ArtifactRef:
    """Train the two-hop retriever on the passages that the gold pairs of the training questions were made of."""
    numbers, world, resources = study.numbers.training.seeded(seed).passages, study.world, study.resources
    index = steps.index_passages(numbers.index, world.passages, name=study.name, resources=resources)
    by_words = RetrievalInputs(index, world.two_hop["train"])
    found = steps.retrieve_passages(
        numbers.retrieve, by_words, name=f"{study.name}-bm25-two-hop-train", resources=resources
    )
    inputs = MdrInputs(
        start, world.passages, world.two_hop["train"], found, world.two_hop_gold["train"], world.gold_pairs
    )
    return steps.train_mdr(numbers.mdr, inputs, name=name, resources=resources)
