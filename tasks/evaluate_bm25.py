"""The baseline "BM25 questions": qa_examples and a memory (qa_pairs) -> predictions and metrics.

The prediction is the answer of the entry whose question BM25 (k1 0.9, b 0.4) scores highest; ties go by ``qa_id``.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from qamat_core.bm25 import BM25
from qamat_core.evaluation.predictions import accepted_answers, score_predictions
from qamat_core.store.store import Job, Store, TableDraft, write_table
from schemas.artifacts import ArtifactRef, Name
from schemas.evaluation import Bm25Config, SummaryConfig
from schemas.resources import Resources
from tasks.summarise_predictions import metrics_table


@dataclass(frozen=True)
class Bm25Refs:
    """What the baseline gives."""

    predictions: ArtifactRef
    metrics: ArtifactRef


def run(
    config: Bm25Config, examples: ArtifactRef, memory: ArtifactRef, *, name: Name, resources: Resources
) -> Bm25Refs:
    """Answer every example from the memory by BM25 and score the answers."""
    store = Store(resources.home)
    job = Job(
        module=__name__,
        config=config,
        inputs={"examples": examples, "memory": memory},
        outputs={"predictions": ("predictions", name), "metrics": ("metrics", name)},
    )

    def build(work: Path) -> dict[str, TableDraft]:
        predictions = predict(store.open_table(examples), store.open_table(memory), max(config.ks))
        summary = SummaryConfig(places=config.places, ks=config.ks, seed=config.seed, resamples=config.resamples)
        rows = metrics_table(summary, [predictions])
        return {
            "predictions": write_table(predictions, "predictions", work, read=predictions.num_rows),
            "metrics": write_table(rows, "metrics", work, read=rows.num_rows),
        }

    refs = store.produce(job, build)
    return Bm25Refs(**refs)


def predict(examples: pa.Table, memory: pa.Table, k: int) -> pa.Table:
    """Return the ``predictions`` of all examples; ``weights`` are BM25 scores.

    An example that shares no word with any entry retrieves nothing and is answered with "".
    """
    ids = memory.column("qa_id").to_pylist()
    index = BM25(ids, memory.column("question").to_pylist())
    accepted = accepted_answers(memory)
    found = index.batch_search(examples.column("question").to_pylist(), k)
    return score_predictions(
        examples,
        [accepted[ids[hits[0].row]][0] if hits else "" for hits in found],
        [[ids[hit.row] for hit in hits] for hits in found],
        [[hit.score for hit in hits] for hits in found],
        accepted,
    )
