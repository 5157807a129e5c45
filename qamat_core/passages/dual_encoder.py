"""The dense retriever of passages (DPR, Karpukhin et al. 2020) by QAMAT's own encoder: its examples and its loss.

No passage is known to be the right one for a question: the best one by BM25 that holds the answer is taken for it
(distant supervision), the best one that does not is the hard negative. All passages of a batch are candidates.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Int32

from qamat_core.passages.occurrences import occurrences
from qamat_core.qamat.reader import Reader
from qamat_core.qamat.retriever import NEGATIVE, Ranking, contrastive_loss, encode_cls
from qamat_core.tokenizer import CLS, Tokenizer
from qamat_core.training.checkpoint import Params
from qamat_core.training.loader import Batch
from qamat_core.training.step import LossFn, Metrics, total_of
from schemas.datasets import Script
from schemas.errors import TrainingError
from schemas.records import Passage

NO_PASSAGE = -1
"""Where no other passage was retrieved."""


class Judged(NamedTuple):
    """Of E questions, the passages that they learn from, as ranks among what was retrieved for them."""

    positives: Int32[np.ndarray, " E"]
    """The best one that holds an answer; -1 where none does."""
    negatives: Int32[np.ndarray, " E"]
    """The best one that holds none; -1 where all do."""

    def learnable(self) -> Int[np.ndarray, " R"]:
        """Return the questions that have a positive: the others teach nothing.

        Raises:
            TrainingError: there is none.
        """
        rows = np.flatnonzero(self.positives >= 0)
        if not len(rows):
            raise TrainingError(
                f"none of {len(self.positives)} questions retrieves a passage that holds its answer: retrieve more "
                "passages, or give the passages that the questions are about"
            )
        return rows


def judge(texts: Sequence[Sequence[str]], answers: Sequence[Sequence[str]], scripts: Sequence[Script]) -> Judged:
    """Judge the passages retrieved for each question, best first, by whether they hold an answer."""
    positives, negatives = (np.full(len(texts), NO_PASSAGE, np.int32) for _ in range(2))
    for row, (found, gold, script) in enumerate(zip(texts, answers, scripts, strict=True)):
        holding = [bool(occurrences(text, gold, script)) for text in found]
        if True in holding:
            positives[row] = holding.index(True)
        if False in holding:
            negatives[row] = holding.index(False)
    return Judged(positives, negatives)


def passage_tokens(passages: Sequence[Passage], tokenizer: Tokenizer, length: int) -> Int32[np.ndarray, "B L"]:
    """Return the tokens of ``[CLS] title text``, cut and padded to ``length``."""
    return tokenizer.encode_batch([f"{CLS} {passage.title} {passage.text}" for passage in passages], length)


def dpr_batch(queries: Int32[np.ndarray, "B L"], passages: Int32[np.ndarray, "P W"], ids: Sequence[str]) -> Batch:
    """Return a batch whose question ``b`` has passage ``b`` for its positive.

    Args:
        queries: tokens with one [MASK].
        passages: tokens; the B positives first, hard negatives behind.
        ids: of the P passages: one that stands there more than once is a candidate once.
    """
    known = np.asarray(ids)
    own = np.eye(len(queries), len(known), dtype=bool)
    same = known[: len(queries), None] == known
    repeated = ~np.isin(np.arange(len(known)), np.unique(known, return_index=True)[1])
    return {"inputs": queries, "entries": passages, "hidden": ((same | repeated) & ~own).astype(np.int32)}


def dpr_loss(reader: Reader) -> LossFn:
    """Return the loss of training: -log p(positive) among all passages of the batch.

    Batches hold ``inputs`` [B, L], ``entries`` [P, W], the passages, of which number b is question b's, and ``hidden``
    [B, P], 1 where a passage is no candidate.
    """

    def loss_fn(params: Params, batch: Batch, key: Array) -> tuple[Array, Metrics]:
        del key
        query = reader.query(params, batch["inputs"], 1).vectors[:, 0]
        scores = query @ encode_cls(reader.model, params, batch["entries"]).T
        scores = jnp.where(batch["hidden"] == 1, NEGATIVE, scores.astype(jnp.float32))
        ranking = Ranking.of(scores[:, None], jnp.arange(len(query))[:, None])
        loss, recall = contrastive_loss(ranking, total_of(batch, "positives"))
        return loss, {"recall_at_1": recall}

    return loss_fn
