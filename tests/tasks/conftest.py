"""What tests of the generators' jobs share: a tiny world, a tokenizer, a generator trained for seconds."""

from dataclasses import dataclass

import pytest

from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.corpus import BuildWorldConfig
from schemas.generation import (
    BatchShape,
    ExtractAnswersConfig,
    GeneratorLengths,
    TaskRows,
    TrainGeneratorConfig,
    TrainTokenizerConfig,
)
from schemas.model import T5Config
from schemas.resources import Resources
from schemas.training import OptimizerConfig, TokenizerConfig, TrainingConfig
from schemas.world import WorldConfig
from tasks import build_world, extract_answers, generate_questions, train_generator, train_tokenizer

WORLD = BuildWorldConfig(
    world=WorldConfig(persons=18, cities=8, countries=2, companies=6, books=7, annotation_worlds=2), shard_rows=12
)
GENERATOR = TrainGeneratorConfig(
    model=T5Config(
        variant="1.0",
        d_model=32,
        num_heads=2,
        head_dim=16,
        d_ff=64,
        num_encoder_layers=1,
        num_decoder_layers=1,
        tie_embeddings=True,
        pointer_head=True,
        locality_start=(1.0, 0.0),
    ),
    training=TrainingConfig(
        steps=120,
        batch_size=24,
        optimizer=OptimizerConfig(learning_rate=1e-2, schedule="cosine", warmup_steps=10, clip_norm=1.0),
    ),
    lengths=GeneratorLengths(passage=72, question=24, answer=12),
    rows=TaskRows(extraction=8, generation=8, comprehension=8),
)
SHAPE = BatchShape(rows=8)
EXTRACTION = ExtractAnswersConfig(beam_size=3, shape=SHAPE)


@dataclass(frozen=True)
class Generated:
    """A home in which answers were extracted and questions asked about a tiny world."""

    store: Store
    resources: Resources
    world: build_world.WorldRefs
    tokenizer: ArtifactRef
    generator: ArtifactRef
    answers: ArtifactRef
    questions: ArtifactRef


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """The chain from passages to questions, run once for all tests."""
    resources = Resources(home=str(tmp_path_factory.mktemp("generated")))
    world = build_world.run(WORLD, name="tiny", resources=resources)
    tokenizer = train_tokenizer.run(
        TrainTokenizerConfig(tokenizer=TokenizerConfig(vocab_size=400)),
        [world.passages, world.annotated_passages, world.annotations],
        name="tiny",
        resources=resources,
    )
    trained_on = train_generator.GeneratorInputs(world.annotated_passages, world.annotations, tokenizer)
    generator = train_generator.run(GENERATOR, trained_on, name="tiny", resources=resources)
    extracted = extract_answers.ExtractionInputs(world.passages, generator)
    answers = extract_answers.run(EXTRACTION, extracted, name="tiny", resources=resources)
    questions = generate_questions.run(
        generate_questions.GenerateQuestionsConfig(shape=SHAPE),
        generate_questions.QuestionInputs(world.passages, answers, generator),
        name="tiny",
        resources=resources,
    )
    return Generated(Store(resources.home), resources, world, tokenizer, generator, answers, questions)
