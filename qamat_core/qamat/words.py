"""Before stage one: the words of queries and keys learn alone (``T5Config.word_match``), by the contrastive term.

Nothing is encoded and nothing read, so that a step of a large batch costs little.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from qamat_core.qamat.batches import batch_memory
from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.packing import PackedExamples
from qamat_core.qamat.reader import Reader
from qamat_core.qamat.retriever import NEGATIVE, Ranking, contrastive_loss, matched
from qamat_core.training.checkpoint import Params
from qamat_core.training.loader import Batch
from qamat_core.training.step import LossFn, Metrics, total_of
from schemas.model import PAD_ID
from schemas.qamat import WordsConfig

_DROPPED = 5
"""A stream of random numbers, beside those of ``batches`` and ``packing``."""


def words_batch(packed: PackedExamples, entries: MemoryEntries, config: WordsConfig, step: int) -> Batch:
    """Return a batch: examples that lost some of their pieces, and its own memory as ``in_batch`` makes it.

    ``answers`` [N] tells by equal numbers which entries have the same answer.
    """
    size, seed = config.training.batch_size, config.training.seed
    examples = packed.batch(size, seed, step)
    memory = batch_memory(examples, examples.positives[:, :1], entries, config, step)
    rng = np.random.default_rng([seed, _DROPPED, step])
    dropped = rng.random(examples.inputs.shape) < config.dropped
    return {
        "inputs": np.where(dropped, PAD_ID, examples.inputs).astype(np.int32),
        "positives": memory.positives[:, :1],
        "key_tokens": entries.key_tokens[memory.rows].astype(np.int32),
        "banned": memory.banned,
        "answers": entries.answer_numbers[memory.rows],
    }


def words_loss(reader: Reader) -> LossFn:
    """-log p(positive) over the batch's entries, of which those with the positive's answer are left out."""

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        del key
        width = reader.config.t5.d_model
        queries, keys = (
            matched(reader.model, params, batch[name], jnp.zeros((len(batch[name]), 1, width)))[:, 0]
            for name in ("inputs", "key_tokens")
        )
        positives, answers = batch["positives"], batch["answers"]
        same = answers[positives] == answers[None]
        others = same & (positives != jnp.arange(len(answers))[None]) & (positives >= 0)
        scores = queries @ keys.T / reader.config.temperature
        scores += NEGATIVE * jnp.where(others, 1.0, batch["banned"])
        ranking = Ranking.of(scores[:, None], positives)
        contrast, hit = contrastive_loss(ranking, total_of(batch, "positives"))
        return contrast, {"retrieval_loss": contrast, "recall_at_1": hit}

    return loss_fn
