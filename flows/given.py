"""What a study is given in the place of the embedded world: a registered corpus, data sets of its own."""

from dataclasses import replace
from pathlib import Path
from re import fullmatch
from typing import Final, get_args

from flows import steps
from flows.corpus import Corpus, GeneratorRefs, Sources
from flows.lookup import find_memory
from flows.refilter import generated_tables
from flows.study import Study
from qamat_core.store.store import Store
from schemas.artifacts import NAME, ArtifactRef, Kind, Name
from schemas.study_orders import QuestionSet
from schemas.world import Split
from tasks.build_world import WorldRefs

_SPLITS: Final[tuple[Split, ...]] = get_args(Split)


def given_corpus(home: str, name: Name) -> Corpus:
    """Return the corpus that the newest memory of a name was made of.

    A generator that was trained elsewhere has no annotations: its passages stand in their place, for what reads them
    (``WORLD_TABLES``) is not made.

    Raises:
        MissingArtifactError: there is no such memory, or it has no training examples.
        IncompatibleArtifactError: it was imported, not generated.
    """
    asked, verdicts, _ = generated_tables(home, name)
    store = Store(home)
    memory = find_memory(store, name)
    extraction = store.row(asked.answers).inputs["generator"]
    learned = store.row(extraction).inputs
    return Corpus(
        sources=Sources(
            passages=asked.passages,
            annotated_passages=learned.get("passages", asked.passages),
            annotations=learned.get("annotations", asked.passages),
        ),
        tokenizer=learned["tokenizer"],
        generators=GeneratorRefs(
            extraction=extraction,
            generation=store.row(asked.questions).inputs["generator"],
            comprehension=asked.generator,
        ),
        answers=asked.answers,
        questions=asked.questions,
        verdicts=verdicts,
        memory=memory.qa_pairs,
        duplicates=_made_with(store, memory.qa_pairs, "duplicates"),
        negatives=_made_with(store, memory.examples, "negatives"),
        pretrain_examples=memory.examples,
    )


def in_place_of_world(corpus: Corpus) -> WorldRefs:
    """Return a corpus in the form of a world without questions; its memory stands where the gold one would."""
    sources = corpus.sources
    return WorldRefs(sources.passages, sources.annotated_passages, sources.annotations, corpus.memory, {}, {}, {})


def over_data_sets(study: Study) -> list[Study]:
    """Return a study for each data set, which share what no question decides; the study itself where none is given.

    Raises:
        InputError: a file of questions cannot be read.
        MissingArtifactError: no questions of a name are registered.
    """
    if not study.order.datasets:
        return [study]
    return [
        replace(study, dataset=one.dataset, world=replace(study.world, questions=_questions(study, one)))
        for one in study.order.datasets
    ]


def _questions(study: Study, given: QuestionSet) -> dict[Split, ArtifactRef]:
    return {split: _part(study, given, split) for split in _SPLITS}


def _part(study: Study, given: QuestionSet, split: Split) -> ArtifactRef:
    """Return one part of a data set: registered questions, else those of a file."""
    text = str(getattr(given, split))
    if fullmatch(NAME, text) and not Path(text).exists():
        return Store(study.order.home).newest("qa_examples", text)
    made = steps.ingest_questions(
        study.numbers.corpus.ingest,
        Path(text),
        dataset=given.dataset,
        split=split,
        name=f"{study.shared}-{given.dataset}-{split}",
        resources=study.resources,
    )
    return made.qa_examples


def _made_with(store: Store, ref: ArtifactRef, kind: Kind) -> ArtifactRef:
    """Return what the job that made an artifact made besides."""
    own = store.row(ref)
    return next(
        row.ref
        for row in reversed(store.registry.rows())
        if row.ref.kind == kind and (row.module, row.config, row.inputs) == (own.module, own.config, own.inputs)
    )
