"""The baselines of Table 2 that read passages: BM25 or a dense retriever, an extractive reader or FiD."""

from typing import NamedTuple

from flows import steps
from flows.study import Study
from schemas.artifacts import ArtifactRef
from schemas.evaluation import Place
from schemas.passages import PassageRow
from tasks.encode_passages import EncodingInputs
from tasks.evaluate_passages import PassageReadingInputs
from tasks.reading_stage import ReadingInputs
from tasks.retrieve_passages import RetrievalInputs


class Found(NamedTuple):
    """The passages that one retriever finds for the training questions and for those that are asked."""

    train: ArtifactRef
    asked: ArtifactRef


def passage_rows(study: Study) -> list[ArtifactRef]:
    """Measure every combination of the preset; one seed trains a dense retriever once for all of them."""
    return [_measured(study, row) for row in study.numbers.training.passages.rows]


def by_words(study: Study) -> Found:
    """Find passages by BM25."""
    passages = study.numbers.training.passages
    index = steps.index_passages(passages.index, study.world.passages, name=study.shared, resources=study.resources)
    return _retrieved(study, index, None, f"{study.name}-bm25")


def by_vectors(study: Study, seed: int) -> Found:
    """Find passages by the dense retriever of a seed, which learned from what BM25 finds."""
    numbers, name = study.numbers.training.seeded(seed).passages, f"{study.name}-s{seed}-dpr"
    inputs = reading_inputs(study, seed, by_words(study))
    encoder = steps.train_dpr(numbers.dpr, inputs, name=name, resources=study.resources)
    asked = EncodingInputs(study.world.passages, encoder)
    vectors = steps.encode_passages(numbers.encode, asked, name=name, resources=study.resources)
    return _retrieved(study, vectors, encoder, name)


def _retrieved(study: Study, index: ArtifactRef, encoder: ArtifactRef | None, name: str) -> Found:
    config, questions = study.numbers.training.passages.retrieve, study.world.questions
    train, asked = (
        steps.retrieve_passages(
            config, RetrievalInputs(index, questions[split], encoder), name=f"{name}-{split}", resources=study.resources
        )
        for split in ("train", study.split)
    )
    return Found(train, asked)


def reading_inputs(study: Study, seed: int, found: Found) -> ReadingInputs:
    """Return what is learned from; all start where RePAQ does, from QAMAT's stage one."""
    start = study.model("generated", seed).inbatch.checkpoint
    return ReadingInputs(start, study.world.passages, study.world.questions["train"], found.train)


def _measured(study: Study, row: PassageRow) -> ArtifactRef:
    retriever, _, reader = row.partition("+")
    label = row.lower().replace("+", "-")
    most = study.numbers.training.passages.fid.reading.passages
    runs: list[ArtifactRef] = []
    for seed in study.seeds:
        numbers, name = study.numbers.training.seeded(seed).passages, f"{study.name}-s{seed}-{label}"
        found = by_words(study) if retriever == "BM25" else by_vectors(study, seed)
        inputs = reading_inputs(study, seed, found)
        if reader == "FiD":
            checkpoint = steps.train_fid(numbers.fid, inputs, name=name, resources=study.resources)
        else:
            checkpoint = steps.train_extractive(numbers.extractive, inputs, name=name, resources=study.resources)
        asked = PassageReadingInputs(checkpoint, inputs.passages, study.world.questions[study.split], found.asked)
        name = f"{name}-{study.split}"
        runs.append(steps.evaluate_passages(numbers.evaluate, asked, name=name, resources=study.resources))
    place = Place(
        table="table2",
        row=row,
        dataset=study.dataset,
        split=study.split,
        memory="none",
        model_size=study.numbers.size,
        k=most,
    )
    return study.summarise([place], runs, f"{study.name}-{label}", (1, most), "passage_recall")
