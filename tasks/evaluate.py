"""Answering a data set: qa_examples, a checkpoint, an index -> predictions, one table for every k.

Only the discrete entries are read (paper section 3.4; ``drop_neural``) unless ``integration`` says otherwise. Some of
the memory can be left out (Figure 7).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from qamat_core import progress
from qamat_core.evaluation.calibration import Signals
from qamat_core.evaluation.predictions import accepted_answers, draw_questions, score_predictions
from qamat_core.indexes.oracle import Oracle
from qamat_core.indexes.protocol import Index
from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.examples import question_inputs
from qamat_core.qamat.inference import Answered, Answerer, answer_text
from qamat_core.qamat.search import FrozenMemory
from qamat_core.store.store import Job, Store, TableDraft, write_table
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import ConfigError, InputError
from schemas.qamat import EvaluationConfig
from schemas.resources import Resources
from schemas.tables import QA_PAIRS
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint
from tasks.searching import open_answering


@dataclass(frozen=True)
class EvaluateInputs:
    """``index`` is None for a closed-book model; ``searcher`` is None to search exactly."""

    checkpoint: ArtifactRef
    questions: ArtifactRef
    index: ArtifactRef | None = None
    searcher: ArtifactRef | None = None


def run(
    config: EvaluationConfig, inputs: EvaluateInputs, *, name: Name, resources: Resources
) -> dict[int, ArtifactRef]:
    """Answer every question with every k of the configuration; return the predictions by k.

    Raises:
        ConfigError: ``index`` is missing although there are rounds of retrieval, or given although there are none.
        InputError: there are no questions.
    """
    if (inputs.index is None) != (config.rounds == 0):
        raise ConfigError(f"rounds is {config.rounds}: give an index for 1 or 2 rounds, none for 0 (closed-book)")
    store = Store(resources.home)
    job = Job(
        module=__name__,
        config=config,
        inputs={label: ref for label, ref in vars(inputs).items() if ref},
        outputs={f"k{k}": ("predictions", f"{name}-k{k}") for k in config.ks},
    )
    refs = store.produce(job, lambda work: _evaluate(store, config, inputs, work))
    return {k: refs[f"k{k}"] for k in config.ks}


def _evaluate(store: Store, config: EvaluationConfig, inputs: EvaluateInputs, work: Path) -> Mapping[str, TableDraft]:
    checkpoint = open_checkpoint(store, inputs.checkpoint)
    memory, index, entries = _memory(store, inputs, checkpoint)
    examples = store.open_table(inputs.questions)
    if not examples.num_rows:
        raise InputError(f"{inputs.questions} holds no question: import it again")
    if config.questions is not None:
        examples = draw_questions(examples, config.questions, config.seed)
    tokens = question_inputs(examples.column("question").to_pylist(), checkpoint.tokenizer, checkpoint.reader.config)
    left_out = removed_rows(len(index), config.memory_share, config.seed)
    answerer = Answerer(
        reader=checkpoint.reader,
        params=checkpoint.params,
        memory=memory,
        index=index.without(left_out) if len(left_out) else index,
        rounds=config.rounds,
        slots=min(config.top_k, len(index)),
        retrieve=min(max((config.top_k, *config.recall_at)), len(index)),
        batch_size=config.batch_size,
        integration=config.integration,
    )
    accepted = accepted_answers(entries.pairs)
    drafts: dict[str, TableDraft] = {}
    for number, k in enumerate(config.ks):
        answered = answerer.answer(tokens, k)
        rows = predictions_table(examples, answered, checkpoint, entries, accepted)
        drafts[f"k{k}"] = write_table(rows, "predictions", work / f"k{k}", read=rows.num_rows)
        progress.report("evaluate", number + 1, len(config.ks))
    return drafts


def predictions_table(
    examples: pa.Table,
    answered: Answered,
    checkpoint: OpenCheckpoint,
    entries: MemoryEntries,
    accepted: Mapping[str, list[str]],
) -> pa.Table:
    """Return the scored ``predictions`` of what was answered."""
    texts = [answer_text(checkpoint.tokenizer.decode(tokens)) for tokens in answered.tokens]
    lines = zip(answered.rows.tolist(), answered.weights.tolist(), strict=True)
    found = [[(row, round(weight, 4)) for row, weight in zip(*line, strict=True) if row >= 0] for line in lines]
    ids = [[entries.ids[int(row)] for row, _ in line] for line in found]
    weights = [[weight for _, weight in line] for line in found]
    sure = Signals.of(answered.sum_logprob, answered.scores, answered.weights)
    return score_predictions(examples, texts, ids, weights, accepted, sure)


def removed_rows(count: int, share: float, seed: int) -> Int[np.ndarray, " X"]:
    """Return the rows that are left out when ``share`` of the memory is kept; a larger share keeps them all."""
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[round(count * share) :])


def _memory(
    store: Store, inputs: EvaluateInputs, checkpoint: OpenCheckpoint
) -> tuple[FrozenMemory, Index, MemoryEntries]:
    """Open the memory; a closed-book model gets an empty one of one row that is never read."""
    if inputs.index:
        return open_answering(store, inputs.index, checkpoint, inputs.searcher)
    config = checkpoint.reader.config
    nothing = np.zeros((1, config.t5.d_model), np.float32)
    memory = FrozenMemory(nothing, nothing, np.zeros((1, config.value_length), np.int32))
    return memory, Oracle(nothing), MemoryEntries(QA_PAIRS.empty_table(), checkpoint.tokenizer, config)
