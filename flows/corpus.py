"""The flow that regenerates a corpus: passages -> answers -> questions -> verdicts -> memory -> training examples."""

from pathlib import Path

from prefect import flow

from flows import steps
from schemas.artifacts import ArtifactRef, Name
from schemas.base import Frozen
from schemas.orders import RegenerateCorpus
from schemas.preset_models import CorpusPreset
from schemas.presets import preset
from schemas.resources import Resources
from tasks.build_memory import MemoryInputs
from tasks.build_world import WorldRefs
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


class Corpus(Frozen):
    """Every artifact of a regenerated corpus."""

    sources: Sources
    tokenizer: ArtifactRef
    generator: ArtifactRef
    answers: ArtifactRef
    questions: ArtifactRef
    verdicts: ArtifactRef
    memory: ArtifactRef
    duplicates: ArtifactRef
    negatives: ArtifactRef
    pretrain_examples: ArtifactRef


@flow(name="regenerate-corpus", persist_result=False)
def regenerate_corpus(order: RegenerateCorpus) -> Corpus:
    """Make a memory of passages; what is made already is found."""
    numbers = preset(order.preset)
    resources = check_runner(order.resources())
    if order.passages:
        sources = file_sources(numbers.corpus, order.passages, order.squad, name=order.name, resources=resources)
    else:
        sources = world_sources(steps.build_world(numbers.world, name=order.name, resources=resources))
    return make_corpus(numbers.corpus, sources, name=order.name, resources=resources)


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


def make_corpus(config: CorpusPreset, sources: Sources, *, name: Name, resources: Resources) -> Corpus:
    """Train tokenizer and generator, run the Beam jobs: sources -> memory and pre-training examples."""
    passages = sources.passages
    texts = [passages, sources.annotated_passages, sources.annotations]
    tokenizer = steps.train_tokenizer(config.tokenizer, texts, name=name, resources=resources)
    annotated = GeneratorInputs(sources.annotated_passages, sources.annotations, tokenizer)
    generator = steps.train_generator(config.generator, annotated, name=name, resources=resources)
    read = ExtractionInputs(passages, generator)
    answers = steps.extract_answers(config.answers, read, name=name, resources=resources)
    marked = QuestionInputs(passages, answers, generator)
    questions = steps.generate_questions(config.questions, marked, name=name, resources=resources)
    asked = FilterInputs(passages, answers, questions, generator)
    verdicts = steps.filter_questions(config.filter, asked, name=name, resources=resources)
    judged = MemoryInputs(answers, questions, verdicts)
    memory = steps.build_memory(config.memory, judged, name=name, resources=resources)
    pairs = NegativesInputs(passages, memory.qa_pairs)
    mined = steps.mine_negatives(config.negatives, pairs, name=name, resources=resources)
    return Corpus(
        sources=sources,
        tokenizer=tokenizer,
        generator=generator,
        answers=answers,
        questions=questions,
        verdicts=verdicts,
        memory=memory.qa_pairs,
        duplicates=memory.duplicates,
        negatives=mined.negatives,
        pretrain_examples=mined.pretrain_examples,
    )
