"""The jobs of the human track: gathering, examples, the words' weights and their training, which leaves all else."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from flax.traverse_util import flatten_dict

from qamat_core.store.store import Store
from qamat_core.tokenizer import Tokenizer
from qamat_core.training.checkpoint import load_history, load_params
from schemas.artifacts import ArtifactRef
from schemas.errors import ConfigError, TrainingError
from schemas.generation import TrainTokenizerConfig
from schemas.human import GatherConfig, QuestionExamplesConfig
from schemas.qamat import InitConfig, WordsConfig
from schemas.resources import Resources
from schemas.tables import MULTIHOP_EXAMPLES, QA_EXAMPLES
from schemas.training import OptimizerConfig, TokenizerConfig, TrainingConfig
from tasks import gather_pairs, init_qamat, mine_questions, train_tokenizer, train_words
from tasks.qamat_stage import answered
from tasks.train_inbatch import InBatchInputs
from tests.qamat_core.qamat import tiny
from tests.tasks.corpus import example, pair, register

PEOPLE = list(zip(tiny.PEOPLE, tiny.TOWNS, strict=True))
MODEL = tiny.config().model_copy(
    update={"t5": tiny.config().t5.model_copy(update={"word_match": True}), "integration": "discrete"}
)


@dataclass(frozen=True)
class Made:
    store: Store
    memory: gather_pairs.GatheredRefs
    tokenizer: ArtifactRef
    examples: ArtifactRef


def _resources(store: Store) -> Resources:
    return Resources(home=str(store.home))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    store = Store(tmp_path_factory.mktemp("home"))
    asked = register(
        store,
        "qa_examples",
        "asked",
        [example(number, f"where {name} lives", town) for number, (name, town) in enumerate(PEOPLE)],
    )
    rows = [pair(f"q{number}", f"Where does {name} live?", town) for number, (name, town) in enumerate(PEOPLE)]
    rows.append(pair("again", "Where Ada lives?", "Dorf"))
    imported = register(store, "qa_pairs", "imported", rows)
    resources = _resources(store)
    memory = gather_pairs.run(GatherConfig(shard_rows=8), [asked], [imported], name="m", resources=resources)
    config = TrainTokenizerConfig(tokenizer=TokenizerConfig(vocab_size=90, fold_case=True))
    tokenizer = train_tokenizer.run(config, [memory.qa_pairs], name="m", resources=resources)
    examples = mine_questions.run(QuestionExamplesConfig(), memory.qa_pairs, name="m", resources=resources)
    return Made(store, memory, tokenizer, examples)


def test_the_memory_is_accounted_for(made: Made):
    row = made.store.row(made.memory.qa_pairs)
    assert (row.read, row.kept, row.rejected) == (21, 20, 1)
    assert made.store.open_table(made.memory.duplicates).num_rows == 1
    assert made.store.open_table(made.memory.qa_examples).num_rows == 10


def test_every_question_asks_for_the_other_pair_with_its_answer(made: Made):
    memory = {row["qa_id"]: row for row in made.store.open_table(made.memory.qa_pairs).to_pylist()}
    rows = made.store.open_table(made.examples).to_pylist()
    assert len(rows) == len(memory)
    for row in rows:
        (positive,) = row["positive_ids"]
        assert positive != row["passage_id"]
        assert row["targets"] == [memory[positive]["answer"]] == [memory[row["passage_id"]]["answer"]]


def test_answered_questions_are_those_with_an_entry():
    rows = [example(number, f"q{number}", "a") for number in range(3)]
    found = [{"example_id": "e1", "first_qa_id": "", "final_qa_id": "x", "tier": "final-only", "score": 0.0}]
    questions = pa.Table.from_pylist(rows, schema=QA_EXAMPLES)
    mined = pa.Table.from_pylist(found, schema=MULTIHOP_EXAMPLES)
    assert answered(questions, mined).column("example_id").to_pylist() == ["e1"]
    with pytest.raises(TrainingError, match="answered_only"):
        answered(questions, mined.slice(1))


def test_case_is_folded(made: Made):
    tokenizer = Tokenizer.load(made.store.open_directory(made.tokenizer))
    assert tokenizer.encode("WHERE DOES ADA") == tokenizer.encode("where does ada")


def test_words_learn_and_all_else_stays(made: Made):
    resources = _resources(made.store)
    start = init_qamat.run(InitConfig(model=MODEL), made.tokenizer, made.memory.qa_pairs, name="m", resources=resources)
    training = TrainingConfig(steps=30, batch_size=8, log_every=1, optimizer=OptimizerConfig(learning_rate=0.02))
    config = WordsConfig(model=MODEL, training=training, negatives_per_example=1)
    inputs = InBatchInputs(start, made.memory.qa_pairs, made.examples)
    words = train_words.run(config, inputs, name="m-words", resources=resources)
    before, after = (flatten_dict(dict(load_params(made.store.open_directory(ref))), sep="/") for ref in (start, words))
    moved = {path for path in before if not np.array_equal(before[path], after[path])}
    assert moved
    assert all(path.startswith("word_match/") for path in moved)
    losses = load_history(made.store.open_directory(words)).column("retrieval_loss").to_pylist()
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


def test_words_start_as_rare_as_the_memory_has_them(made: Made):
    resources = _resources(made.store)
    with pytest.raises(ConfigError, match="give the memory"):
        init_qamat.run(InitConfig(model=MODEL), made.tokenizer, name="n", resources=resources)
    with pytest.raises(ConfigError, match="give the memory"):
        init_qamat.run(
            InitConfig(model=tiny.config()), made.tokenizer, made.memory.qa_pairs, name="n", resources=resources
        )


def test_a_model_without_words_has_none_to_train(made: Made, tmp_path: Path):
    training = TrainingConfig(steps=1, batch_size=2)
    config = WordsConfig(model=tiny.config(), training=training)
    inputs = InBatchInputs(made.tokenizer, made.memory.qa_pairs, made.examples)
    with pytest.raises(ConfigError, match="word_match is false"):
        train_words.run(config, inputs, name="n", resources=_resources(made.store))
