"""Answering by the best entry: qa_examples, a checkpoint, an index, perhaps a re-ranker -> predictions.

The prediction is the answer of the nearest entry, or of the one that the re-ranker puts first. With an encoder that
was never trained to find such entries it is the baseline "Dense questions".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from qamat_core.evaluation.predictions import accepted_answers, score_predictions
from qamat_core.indexes.protocol import Found
from qamat_core.qamat.examples import question_inputs
from qamat_core.repaq.reranker import HEAD, rerank
from qamat_core.repaq.retrieval import Retriever
from qamat_core.store.store import Job, Store, TableDraft, write_table
from qamat_core.training.checkpoint import load_card
from schemas.artifacts import ArtifactRef, Name
from schemas.errors import ConfigError, InputError
from schemas.repaq import RepaqEvaluationConfig
from schemas.resources import Resources
from tasks.qamat_stage import open_checkpoint
from tasks.searching import open_answering


@dataclass(frozen=True)
class RepaqInputs:
    """``checkpoint`` made the index; ``reranker`` is None to answer by the nearest entry."""

    checkpoint: ArtifactRef
    index: ArtifactRef
    questions: ArtifactRef
    reranker: ArtifactRef | None = None


def run(config: RepaqEvaluationConfig, inputs: RepaqInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Answer every question and return the predictions.

    Raises:
        ConfigError: ``reranker`` is none.
        IncompatibleArtifactError: another encoder made the index.
        InputError: there are no questions.
    """
    store = Store(resources.home)
    given = {label: ref for label, ref in vars(inputs).items() if ref}
    job = Job(module=__name__, config=config, inputs=given, outputs={"predictions": ("predictions", name)})

    def build(work: Path) -> Mapping[str, TableDraft]:
        rows = _predict(store, config, inputs)
        return {"predictions": write_table(rows, "predictions", work, read=rows.num_rows)}

    return store.produce(job, build)["predictions"]


def _predict(store: Store, config: RepaqEvaluationConfig, inputs: RepaqInputs) -> pa.Table:
    checkpoint = open_checkpoint(store, inputs.checkpoint)
    memory, index, entries = open_answering(store, inputs.index, checkpoint)
    examples = store.open_table(inputs.questions)
    if not examples.num_rows:
        raise InputError(f"{inputs.questions} holds no question: import it again")
    asked = examples.column("question").to_pylist()
    tokens = question_inputs(asked, checkpoint.tokenizer, checkpoint.reader.config)
    queries = Retriever(checkpoint.reader, config.batch_size).queries(checkpoint.params, tokens)
    found = index.search(queries, min(config.top_k, len(index)))
    if inputs.reranker:
        ranking = open_checkpoint(store, inputs.reranker)
        if HEAD not in ranking.params:
            raise ConfigError(f"{inputs.reranker} is no re-ranker: train one")
        weight = float(load_card(store.open_directory(inputs.reranker)).settings["retriever_weight"])
        found = rerank(ranking.reader, ranking.params, tokens, memory.value_tokens, found, config.batch_size, weight)
    return predictions_table(examples, entries.pairs, found)


def predictions_table(examples: pa.Table, pairs: pa.Table, found: Found) -> pa.Table:
    """Return the scored ``predictions``: the best entry's answer; ``weights`` are softmaxes of the scores.

    Args:
        examples: the questions, [E].
        pairs: the memory.
        found: [E, K], best first, at least one entry each.
    """
    ids, accepted = pairs.column("qa_id").to_pylist(), accepted_answers(pairs)
    weights = np.exp(found.scores - found.scores[:, :1])
    weights = np.round((weights / weights.sum(axis=1, keepdims=True)).astype(np.float64), 4)
    lines = [[row for row in line if row >= 0] for line in found.rows.tolist()]
    return score_predictions(
        examples,
        [accepted[ids[line[0]]][0] for line in lines],
        [[ids[row] for row in line] for line in lines],
        [shares[: len(line)] for line, shares in zip(lines, weights.tolist(), strict=True)],
        accepted,
    )
