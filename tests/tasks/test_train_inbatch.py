"""Stage one learns to retrieve: on a tiny world recall@1 rises far above chance, over the whole memory too."""

from dataclasses import dataclass

import pytest

from qamat_core.store.store import Store
from qamat_core.training.checkpoint import load_history
from schemas.artifacts import ArtifactRef
from schemas.corpus import BuildWorldConfig, NegativesConfig
from schemas.generation import TrainTokenizerConfig
from schemas.model import T5Config
from schemas.qamat import EvaluationConfig, InBatchConfig, IndexConfig, InitConfig, QamatConfig
from schemas.resources import Resources
from schemas.training import OptimizerConfig, TokenizerConfig, TrainingConfig
from schemas.world import WorldConfig
from tasks import build_index, build_world, evaluate, init_qamat, mine_negatives, train_inbatch, train_tokenizer

WORLD = BuildWorldConfig(
    world=WorldConfig(persons=32, cities=12, countries=3, companies=10, books=12, annotation_worlds=0), shard_rows=100
)
T5 = T5Config(d_model=48, num_heads=3, head_dim=16, d_ff=96, num_encoder_layers=1, num_decoder_layers=1)
QAMAT = QamatConfig(
    t5=T5.model_copy(update={"locality_start": (1.0, 0.4, 0.0)}),
    passage_length=56,
    question_length=20,
    target_length=8,
    key_length=16,
    value_length=20,
    temperature=48**0.5,
)
OPTIMIZER = OptimizerConfig(learning_rate=4e-3, schedule="cosine", warmup_steps=10, clip_norm=1.0)
CONFIG = InBatchConfig(
    model=QAMAT,
    training=TrainingConfig(steps=100, batch_size=24, optimizer=OPTIMIZER, log_every=10),
    top_k=1,
    negatives_per_example=1,
    retrieval_loss_weight=1.0,
)
NEGATIVES = NegativesConfig(spans_per_passage=1, negatives_per_example=4)
EVALUATION = EvaluationConfig(top_k=1, ks=(1,), recall_at=(4,))


@dataclass(frozen=True)
class Learned:
    """A checkpoint of stage one, the memory that it learned from, and its predictions of questions it never saw."""

    store: Store
    checkpoint: ArtifactRef
    memory: ArtifactRef
    predictions: ArtifactRef


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    resources = Resources(home=str(tmp_path_factory.mktemp("learned")))
    world = build_world.run(WORLD, name="w", resources=resources)
    memory, pieces = world.gold_pairs, TrainTokenizerConfig(tokenizer=TokenizerConfig(vocab_size=500))
    tokenizer = train_tokenizer.run(pieces, [world.passages, memory], name="w", resources=resources)
    mined = mine_negatives.NegativesInputs(world.passages, memory)
    examples = mine_negatives.run(NEGATIVES, mined, name="w", resources=resources).pretrain_examples
    start = init_qamat.run(InitConfig(model=QAMAT), tokenizer, name="init", resources=resources)
    stage = train_inbatch.InBatchInputs(start, memory, examples)
    checkpoint = train_inbatch.run(CONFIG, stage, name="w", resources=resources)
    index = build_index.run(IndexConfig(), build_index.IndexInputs(memory, checkpoint), name="w", resources=resources)
    asked = evaluate.EvaluateInputs(checkpoint, world.questions["test"], index)
    predictions = evaluate.run(EVALUATION, asked, name="w", resources=resources)[1]
    return Learned(Store(resources.home), checkpoint, memory, predictions)


def test_recall_rises_far_above_chance(learned: Learned):
    history = load_history(learned.store.open_directory(learned.checkpoint)).to_pylist()
    recall = [point["recall_at_1"] for point in history]
    assert recall[0] < 0.3
    assert sum(recall[-3:]) / 3 > 0.55  # chance: 1 in 48
    assert history[-1]["answer_loss"] < 0.5 * history[0]["answer_loss"]


def test_questions_in_other_words_find_their_entry_in_the_whole_memory(learned: Learned):
    hits = [hit is not None for hit in learned.store.open_table(learned.predictions).column("first_hit").to_pylist()]
    assert learned.store.row(learned.memory).rows > 150
    assert sum(hits) / len(hits) > 0.12  # chance: about 4 in 200
