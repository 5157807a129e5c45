"""Training examples of the generator: SQuAD-style annotations as prompts and targets of three tasks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from jaxtyping import Int32

from qamat_core.generation.formats import comprehension_prompt, extraction_prompt, generation_prompt
from qamat_core.tokenizer import Tokenizer
from schemas.errors import TrainingError
from schemas.generation import GeneratorConfig, GeneratorTask, PromptFormat, TrainGeneratorConfig
from schemas.records import Annotation, Passage

EXTRACTION: Final = "extraction"
GENERATION: Final = "generation"
COMPREHENSION: Final = "comprehension"
TASKS: tuple[GeneratorTask, ...] = (EXTRACTION, GENERATION, COMPREHENSION)


@dataclass(frozen=True)
class Annotated:
    """Passages with at least one annotation each, in a fixed order."""

    passages: Sequence[Passage]
    annotations: Mapping[str, Sequence[Annotation]]
    """By ``passage_id``."""
    left_out: int = 0
    """Annotations without a passage, or that would be cut (``_fits``)."""

    @cached_property
    def pairs(self) -> list[tuple[Passage, Annotation]]:
        """Every annotation with its passage."""
        return [(passage, one) for passage in self.passages for one in self.annotations[passage.passage_id]]


def collect(
    passages: Iterable[Passage], annotations: Iterable[Annotation], tokenizer: Tokenizer, config: GeneratorConfig
) -> Annotated:
    """Join annotations with their passages; leave out those that would be cut: a cut target teaches to
    stop in the middle.

    Raises:
        TrainingError: no annotation is left.
    """
    texts = {passage.passage_id: passage for passage in passages}
    kept: dict[str, list[Annotation]] = {}
    total = 0
    for one in annotations:
        total += 1
        passage = texts.get(one.passage_id)
        if passage and _fits(passage, one, tokenizer, config):
            kept.setdefault(passage.passage_id, []).append(one)
    if not total:
        raise TrainingError("there are no annotations to train a generator on: give a SQuAD JSON that has them")
    if not kept:
        raise TrainingError(
            f"none of {total} annotations can be trained on: give the passages that they stand in, or greater lengths"
        )
    order = [texts[passage_id] for passage_id in sorted(kept)]
    return Annotated(order, kept, total - sum(map(len, kept.values())))


def _fits(passage: Passage, one: Annotation, tokenizer: Tokenizer, config: GeneratorConfig) -> bool:
    """Say whether the generator sees the answer in the passage and can write question and answer to their ends."""
    end = one.start + len(one.answers[0])
    prompt = generation_prompt(config.prompts, passage.title, passage.text[:end], one.start, end)
    lengths = config.lengths
    pairs = ((one.question, lengths.question), (one.answers[0], lengths.answer), (prompt, lengths.passage))
    return all(len(tokenizer.encode(text)) < length for text, length in pairs)


def source_length(task: str, config: GeneratorConfig) -> int:
    """Return the full input length of a task, in pieces."""
    return config.lengths.passage + (config.lengths.question if task == COMPREHENSION else 0)


def target_length(task: str, config: GeneratorConfig) -> int:
    """Return the output length of a task, in pieces."""
    return config.lengths.question if task == GENERATION else config.lengths.answer


class TaskBatches:
    """The batch of a step, a function of the step's number: each example comes once in an epoch, in an order of its
    own; the answer that extraction gives for a passage is drawn anew each time.
    """

    def __init__(self, data: Annotated, tokenizer: Tokenizer, config: TrainGeneratorConfig) -> None:
        self._data, self._tokenizer, self._config = data, tokenizer, config
        self._passage_length = min(config.lengths.passage, _longest_passage(data, tokenizer, config))

    def __call__(self, step: int) -> dict[str, Int32[np.ndarray, "B L"]]:
        """Return ``<task>_inputs`` [rows, L] and ``<task>_targets`` [rows, T] of every task."""
        batch: dict[str, Int32[np.ndarray, "B L"]] = {}
        for task in TASKS:
            examples = self._examples(task, step)
            inputs, targets = [source for source, _ in examples], [target for _, target in examples]
            encode = self._tokenizer.encode_batch
            length = self._passage_length + source_length(task, self._config) - self._config.lengths.passage
            batch[f"{task}_inputs"] = _widen(encode(inputs, length, eos=True), length)
            length = target_length(task, self._config)
            batch[f"{task}_targets"] = _widen(encode(targets, length, eos=True), length)
        return batch

    def _examples(self, task: str, step: int) -> list[tuple[str, str]]:
        rows = getattr(self._config.rows, task)
        stream = TASKS.index(task), self._config.training.seed
        if task == EXTRACTION:
            places = epoch_places(len(self._data.passages), rows, step, stream)
            draw = np.random.default_rng((*stream, 1, step))
            return [self._extraction(self._data.passages[place], draw) for place in places]
        make = _generation if task == GENERATION else _comprehension
        pairs = self._data.pairs
        return [make(self._config.prompts, *pairs[place]) for place in epoch_places(len(pairs), rows, step, stream)]

    def _extraction(self, passage: Passage, draw: np.random.Generator) -> tuple[str, str]:
        known = self._data.annotations[passage.passage_id]
        answer = known[int(draw.integers(len(known)))].answers[0]
        return extraction_prompt(self._config.prompts, passage.title, passage.text), answer


def _longest_passage(data: Annotated, tokenizer: Tokenizer, config: GeneratorConfig) -> int:
    """Return the pieces of the longest passage with its marks and its end, rounded up to a multiple of 8."""
    prompts = (extraction_prompt(config.prompts, passage.title, passage.text) for passage in data.passages)
    return -(-(max(len(tokenizer.encode(prompt)) for prompt in prompts) + 4) // 8) * 8


def _widen(batch: Int32[np.ndarray, "B L"], length: int) -> Int32[np.ndarray, "B L"]:
    """Pad to the length that every batch has, so that nothing is compiled again."""
    return np.pad(batch, ((0, 0), (0, length - batch.shape[1])))


def _generation(prompts: PromptFormat, passage: Passage, one: Annotation) -> tuple[str, str]:
    end = one.start + len(one.answers[0])
    return generation_prompt(prompts, passage.title, passage.text, one.start, end), one.question


def _comprehension(prompts: PromptFormat, passage: Passage, one: Annotation) -> tuple[str, str]:
    return comprehension_prompt(prompts, passage.title, passage.text, one.question), one.answers[0]


def epoch_places(count: int, rows: int, step: int, stream: tuple[int, ...]) -> list[int]:
    """Return which of ``count`` examples a step reads: ``rows`` of them, each once an epoch, shuffled each epoch."""
    numbers = range(step * rows, (step + 1) * rows)
    return [int(_epoch_order(count, number // count, stream)[number % count]) for number in numbers]


@lru_cache(maxsize=8)
def _epoch_order(count: int, epoch: int, stream: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng((*stream, 0, epoch)).permutation(count)
