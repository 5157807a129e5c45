"""Training batches: a function of the step, each example once an epoch, targets that the inputs support."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.generation.examples import TASKS, Annotated, TaskBatches, collect, epoch_places
from qamat_core.tokenizer import Tokenizer, train_sentencepiece
from qamat_core.world.generate import annotations
from schemas.errors import TrainingError
from schemas.generation import MARK, GeneratorLengths, TaskRows, TrainGeneratorConfig
from schemas.model import T5Config
from schemas.records import Annotation, Passage
from schemas.training import TokenizerConfig, TrainingConfig
from schemas.world import WorldConfig

CONFIG = TrainGeneratorConfig(
    model=T5Config(),
    training=TrainingConfig(steps=1, batch_size=12),
    lengths=GeneratorLengths(passage=60, question=20, answer=12),
    rows=TaskRows(extraction=5, generation=4, comprehension=3),
)
WORLD = WorldConfig(persons=20, cities=8, countries=2, companies=6, books=7, annotation_worlds=1)


@pytest.fixture(scope="module")
def known() -> tuple[list[Passage], list[Annotation], Tokenizer]:
    passages, asked = annotations(WORLD)
    texts = [passage.text for passage in passages] + [one.question for one in asked]
    return passages, asked, Tokenizer(train_sentencepiece(texts, TokenizerConfig(vocab_size=400)))


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 5))
def test_each_example_comes_once_an_epoch(count: int, rows: int, epochs: int):
    steps = -(-count * epochs // rows)
    places = [place for step in range(steps) for place in epoch_places(count, rows, step, (0,))]
    for epoch in range(epochs):
        assert sorted(places[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_a_batch_is_a_function_of_its_step(known: tuple[list[Passage], list[Annotation], Tokenizer]):
    passages, asked, tokenizer = known
    first = TaskBatches(collect(passages, asked, tokenizer, CONFIG), tokenizer, CONFIG)
    again = TaskBatches(collect(passages[::-1], asked, tokenizer, CONFIG), tokenizer, CONFIG)
    second, resumed = [first(step) for step in range(4)][3], again(3)
    assert second.keys() == resumed.keys()
    assert all(np.array_equal(second[name], resumed[name]) for name in second)
    assert any(not np.array_equal(first(0)[name], second[name]) for name in second)


def test_batches_are_as_long_as_the_longest_passage_needs(known: tuple[list[Passage], list[Annotation], Tokenizer]):
    passages, asked, tokenizer = known
    batch = TaskBatches(collect(passages, asked, tokenizer, CONFIG), tokenizer, CONFIG)(0)
    shapes = {name: array.shape for name, array in batch.items()}
    assert shapes == {
        "extraction_inputs": (5, 56),
        "extraction_targets": (5, 12),
        "generation_inputs": (4, 56),
        "generation_targets": (4, 20),
        "comprehension_inputs": (3, 76),
        "comprehension_targets": (3, 12),
    }


def test_inputs_and_targets_belong_together(known: tuple[list[Passage], list[Annotation], Tokenizer]):
    passages, asked, tokenizer = known
    batches = TaskBatches(collect(passages, asked, tokenizer, CONFIG), tokenizer, CONFIG)
    answers = {tokenizer.decode(tokenizer.encode(one.question)): one.answers[0] for one in asked}
    for step in range(5):
        batch = batches(step)
        texts = {
            task: [
                (tokenizer.decode(source), tokenizer.decode(target))
                for source, target in zip(batch[f"{task}_inputs"], batch[f"{task}_targets"], strict=True)
            ]
            for task in TASKS
        }
        assert all(answer in source for source, answer in texts["extraction"])
        assert all(source.split(MARK)[1].strip() == answers[question] for source, question in texts["generation"])
        assert all(answers[_question(source)] == answer for source, answer in texts["comprehension"])


def _question(source: str) -> str:
    return source.split("<extra_id_95>")[1].split("<extra_id_94>", maxsplit=1)[0].strip()


def test_answers_past_the_cut_are_left_out_and_counted(known: tuple[list[Passage], list[Annotation], Tokenizer]):
    passages, asked, tokenizer = known
    short = CONFIG.model_copy(update={"lengths": GeneratorLengths(passage=16, question=20, answer=12)})
    data = collect(passages, asked, tokenizer, short)
    assert 0 < data.left_out < len(asked)
    assert len(data.pairs) == len(asked) - data.left_out
    cut = tokenizer.decode
    texts = {passage.passage_id: cut(tokenizer.encode(passage.text)[:16]) for passage in passages}
    assert all(one.answers[0] in texts[passage.passage_id] for passage, one in data.pairs)


@pytest.mark.parametrize("lengths", [{"question": 9}, {"answer": 4}])
def test_what_cannot_be_written_to_its_end_is_left_out(known, lengths: dict[str, int]):
    passages, asked, tokenizer = known
    short = CONFIG.model_copy(update={"lengths": CONFIG.lengths.model_copy(update=lengths)})
    data = collect(passages, asked, tokenizer, short)
    assert 0 < data.left_out < len(asked)
    for _, one in data.pairs:
        assert len(tokenizer.encode(one.question)) < short.lengths.question
        assert len(tokenizer.encode(one.answers[0])) < short.lengths.answer


def test_annotations_without_their_passages_are_refused(known: tuple[list[Passage], list[Annotation], Tokenizer]):
    _, asked, tokenizer = known
    with pytest.raises(TrainingError, match="give the passages"):
        collect([], asked, tokenizer, CONFIG)
    with pytest.raises(TrainingError, match="there are no annotations"):
        collect([], [], tokenizer, CONFIG)


def test_pairs_follow_the_passages():
    passage = Passage.of("s", "1", "T", "a b")
    one, two = (Annotation.of(passage.passage_id, question, ("a",), 0) for question in ("x?", "y?"))
    data = Annotated([passage], {passage.passage_id: [one, two]})
    assert data.pairs == [(passage, one), (passage, two)]
