"""The flow that regenerates a corpus: passages -> answers -> questions -> verdicts -> memory -> training examples."""

import json
from collections.abc import Mapping
from pathlib import Path

from flows import steps
from flows.events import CORPUS_COMMITTED, announce
from flows.exhibits import show_corpus
from flows.generators import find_generators
from flows.lookup import open_home
from flows.ordered import ordered
from flows.resuming import foresee, reused
from flows.stages import before_corpus_start
from schemas.artifacts import ArtifactRef, Name
from schemas.base import Frozen
from schemas.generation import ALL_TASKS, FilterName, GeneratorTask, TrainGeneratorConfig
from schemas.orders import RegenerateCorpus, Stage
from schemas.preset_models import CorpusPreset
from schemas.presets import preset
from schemas.resources import Resources
from tasks.build_memory import MemoryInputs
from tasks.build_world import WorldRefs
from tasks.external_t5 import ImportedRefs
from tasks.extract_answers import ExtractionInputs
from tasks.filter_questions import FilterInputs
from tasks.generate_questions import QuestionInputs
from tasks.mine_negatives import NegativesInputs
from tasks.runner_options import check_runner
from tasks.train_generator import GeneratorInputs


class Sources(Frozen):
    """What a corpus is made of: passages to ask about, and annotated ones to learn asking from."""

    passages: ArtifactRef
    annotated_passages: ArtifactRef
    annotations: ArtifactRef


class GeneratorRefs(Frozen):
    """The generator of each task; one may have several."""

    extraction: ArtifactRef
    generation: ArtifactRef
    comprehension: ArtifactRef


class Corpus(Frozen):
    """Every artifact of a regenerated corpus."""

    sources: Sources
    tokenizer: ArtifactRef
    generators: GeneratorRefs
    answers: ArtifactRef
    questions: ArtifactRef
    verdicts: ArtifactRef
    memory: ArtifactRef
    duplicates: ArtifactRef
    negatives: ArtifactRef
    pretrain_examples: ArtifactRef


@ordered("regenerate-corpus")
def regenerate_corpus(order: RegenerateCorpus) -> Corpus:
    """Make a memory of passages; what is made already is found."""
    order = reused(order)
    foresee(order, lambda: make_ordered(order), lambda step: before_corpus_start(step, order))
    made = make_ordered(order)
    show_corpus(made.memory, order.name, order.home)
    announce(CORPUS_COMMITTED, made.memory, _for_training(order))
    return made


def _for_training(order: RegenerateCorpus) -> dict[str, str]:
    """Say what an automation needs to train over the memory: questions to learn from, if the corpus came with some."""
    rows = open_home(order.home).registry.rows()
    questions = f"{order.name}-train"
    learnt = any((row.ref.kind, row.ref.name) == ("qa_examples", questions) for row in rows)
    stages: list[Stage] = ["inbatch", "global", "finetune"] if learnt else ["inbatch", "global"]
    return {"memory": order.name, "preset": order.preset, "questions": questions, "stages": json.dumps(stages)}


def make_ordered(order: RegenerateCorpus) -> Corpus:
    """Make the memory of the passages that an order names."""
    numbers = preset(order.preset)
    resources = check_runner(order.resources())
    given = find_generators(order.generators, order.home)
    imported, examples_from = registered(order)
    if order.passages_from:
        sources = registered_sources(
            numbers.corpus, order.passages_from, order.squad, name=order.name, resources=resources
        )
    elif order.passages:
        sources = file_sources(numbers.corpus, order.passages, order.squad, name=order.name, resources=resources)
    else:
        sources = world_sources(steps.build_world(numbers.world, name=order.name, resources=resources))
    return make_corpus(
        numbers.corpus,
        sources,
        given,
        imported=imported,
        examples_from=examples_from,
        filter_by=order.filter,
        name=order.name,
        resources=resources,
    )


def registered(order: RegenerateCorpus) -> tuple[tuple[ArtifactRef, ...], ArtifactRef | None]:
    """Return the imported pairs that join the memory, and the passages of the training examples if they are named."""
    if not (order.imported or order.examples_from):
        return (), None
    store = open_home(order.home)
    examples_from = store.newest("passages", order.examples_from) if order.examples_from else None
    return tuple(store.newest("qa_pairs", name) for name in order.imported), examples_from


def registered_sources(
    config: CorpusPreset, passages: Name, squad: str | None, *, name: Name, resources: Resources
) -> Sources:
    """Take registered passages, with annotated ones from a SQuAD JSON (or those ingested under the same name)."""
    store = open_home(resources.home)
    own = store.newest("passages", passages)
    if squad is None:
        return Sources(passages=own, annotated_passages=own, annotations=store.newest("annotations", passages))
    given = steps.ingest_passages(config.ingest, [Path(squad)], name=f"{name}-annotated", resources=resources)
    return Sources(passages=own, annotated_passages=given.passages, annotations=given.annotations)


def world_sources(world: WorldRefs) -> Sources:
    """Return the embedded world corpus as sources."""
    return Sources(passages=world.passages, annotated_passages=world.annotated_passages, annotations=world.annotations)


def file_sources(
    config: CorpusPreset, passages: tuple[str, ...], squad: str | None, *, name: Name, resources: Resources
) -> Sources:
    """Read passages from files, and annotated ones from a SQuAD JSON (or from the same files)."""
    own = steps.ingest_passages(config.ingest, [Path(path) for path in passages], name=name, resources=resources)
    given = own
    if squad is not None:
        given = steps.ingest_passages(config.ingest, [Path(squad)], name=f"{name}-annotated", resources=resources)
    return Sources(passages=own.passages, annotated_passages=given.passages, annotations=given.annotations)


def make_generators(
    config: TrainGeneratorConfig,
    inputs: GeneratorInputs,
    given: Mapping[GeneratorTask, ArtifactRef],
    *,
    name: Name,
    resources: Resources,
) -> GeneratorRefs:
    """Return the generator of each task: the given one, else the one that is trained here."""
    if set(given) == set(ALL_TASKS):
        return GeneratorRefs.model_validate(given)
    trained = steps.train_generator(config, inputs, name=name, resources=resources)
    return GeneratorRefs.model_validate({**dict.fromkeys(ALL_TASKS, trained), **given})


def judge(
    config: CorpusPreset, filter_by: FilterName, asked: FilterInputs, *, name: Name, resources: Resources
) -> ArtifactRef:
    """Return the verdicts of one of the filters."""
    if filter_by == "open-domain":
        return steps.filter_open_domain(config.open_domain, asked, name=name, resources=resources)
    return steps.filter_questions(config.filter, asked, name=name, resources=resources)


def make_corpus(
    config: CorpusPreset,
    sources: Sources,
    given: Mapping[GeneratorTask, ArtifactRef],
    *,
    imported: tuple[ArtifactRef, ...] = (),
    examples_from: ArtifactRef | None = None,
    filter_by: FilterName = "reading-comprehension",
    start: ImportedRefs | None = None,
    name: Name,
    resources: Resources,
) -> Corpus:
    """Train a tokenizer and the generator of the tasks for which none is given, run the Beam jobs: sources -> memory
    and pre-training examples.

    ``imported`` pairs join the memory; examples are made of the passages ``examples_from``, else of the sources'. The
    generator starts from the T5 ``start``, whose shape the configuration has, and takes its tokenizer.
    """
    passages = sources.passages
    if start is None:
        texts = [passages, sources.annotated_passages, sources.annotations]
        tokenizer = steps.train_tokenizer(config.tokenizer, texts, name=name, resources=resources)
    else:
        tokenizer = start.tokenizer
    begin = start and start.checkpoint
    annotated = GeneratorInputs(sources.annotated_passages, sources.annotations, tokenizer, begin)
    generators = make_generators(config.generator, annotated, given, name=name, resources=resources)
    return ask_passages(
        config,
        sources,
        tokenizer,
        generators,
        imported=imported,
        examples_from=examples_from,
        filter_by=filter_by,
        name=name,
        resources=resources,
    )


def ask_passages(
    config: CorpusPreset,
    sources: Sources,
    tokenizer: ArtifactRef,
    generators: GeneratorRefs,
    *,
    imported: tuple[ArtifactRef, ...] = (),
    examples_from: ArtifactRef | None = None,
    filter_by: FilterName = "reading-comprehension",
    name: Name,
    resources: Resources,
) -> Corpus:
    """Ask about passages, with generators that are there: the Beam jobs of ``make_corpus``."""
    passages = sources.passages
    read = ExtractionInputs(passages, generators.extraction)
    answers = steps.extract_answers(config.answers, read, name=name, resources=resources)
    marked = QuestionInputs(passages, answers, generators.generation)
    questions = steps.generate_questions(config.questions, marked, name=name, resources=resources)
    asked = FilterInputs(passages, answers, questions, generators.comprehension)
    verdicts = judge(config, filter_by, asked, name=name, resources=resources)
    judged = MemoryInputs(answers, questions, verdicts, imported)
    memory = steps.build_memory(config.memory, judged, name=name, resources=resources)
    pairs = NegativesInputs(examples_from or passages, memory.qa_pairs)
    mined = steps.mine_negatives(config.negatives, pairs, name=name, resources=resources)
    return Corpus(
        sources=sources,
        tokenizer=tokenizer,
        generators=generators,
        answers=answers,
        questions=questions,
        verdicts=verdicts,
        memory=memory.qa_pairs,
        duplicates=memory.duplicates,
        negatives=mined.negatives,
        pretrain_examples=mined.pretrain_examples,
    )
