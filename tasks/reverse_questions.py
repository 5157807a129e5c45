"""Questions of a data set, reversed: qa_examples, passages -> qa_pairs, each of a passage that holds its answer.

The passage of a question is DPR's: the best by BM25, of the first ``passages``, that holds one of the answers. Such
pairs, masked in their passages, are the pre-training corpus "DPR-reverse" (Appendix C.2): a passage retrieves the
question, not the question the passage. read = questions; one without such a passage, or asked twice, is rejected.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from qamat_core.batches import write_tables
from qamat_core.imported_pairs import REPEATED
from qamat_core.passage_index import PassageColumns, index_passages, open_index, open_passages
from qamat_core.store.store import Job, Store, TableDraft
from schemas.artifacts import ArtifactRef, Name
from schemas.corpus import ReverseConfig
from schemas.resources import Resources
from schemas.tables import QA_PAIRS, REJECTS, stable_id
from tasks.runner import filled_once

NO_PASSAGE: Final = "no passage that is found for the question holds its answer"
_ORIGIN: Final = "reversed"


@dataclass(frozen=True)
class ReverseInputs:
    """Training questions, and the passages that hold their answers."""

    questions: ArtifactRef
    passages: ArtifactRef


@dataclass(frozen=True)
class ReversedRefs:
    """The pairs, and the questions of which none could be made."""

    qa_pairs: ArtifactRef
    rejects: ArtifactRef


def run(config: ReverseConfig, inputs: ReverseInputs, *, name: Name, resources: Resources) -> ReversedRefs:
    """Make the pairs ``name``, sorted by id."""
    store = Store(resources.home)
    job = Job(
        module=__name__,
        config=config,
        inputs=vars(inputs),
        outputs={"qa_pairs": ("qa_pairs", name), "rejects": ("rejects", f"{name}-reversed")},
    )

    def build(work: Path) -> Mapping[str, TableDraft]:
        shards = store.open_shards(inputs.passages)
        folder = filled_once(work / "passages", lambda made: index_passages(shards, made, k1=config.k1, b=config.b))
        examples = store.open_table(inputs.questions)
        pairs, rejects = reverse(config, examples, folder)
        counts = {"read": examples.num_rows, "rejected": rejects.num_rows}
        return {
            "qa_pairs": write_tables(pairs, "qa_pairs", work / "qa_pairs", config.shard_rows, **counts),
            "rejects": write_tables(rejects, "rejects", work / "rejects", config.shard_rows, **counts),
        }

    return ReversedRefs(**store.produce(job, build))


def reverse(config: ReverseConfig, examples: pa.Table, folder: Path) -> tuple[pa.Table, pa.Table]:
    """Return ``qa_pairs`` and ``rejects`` of questions, searched for in the passages indexed in a folder."""
    passages, index = open_passages(folder), open_index(folder)
    rows = examples.to_pylist()
    found = index.batch_search([row["question"] for row in rows], config.passages)
    pairs, rejects = dict[str, dict[str, object]](), list[dict[str, object]]()
    for row, hits in zip(rows, found, strict=True):
        pair = _pair(row["question"], row["answers"], [hit.row for hit in hits], passages)
        if pair is None or pair["qa_id"] in pairs:
            reason = NO_PASSAGE if pair is None else REPEATED
            rejects.append({"source": row["dataset"], "record": row["example_id"], "reason": reason})
        else:
            pairs[str(pair["qa_id"])] = pair
    return (
        pa.Table.from_pylist([pairs[qa_id] for qa_id in sorted(pairs)], schema=QA_PAIRS),
        pa.Table.from_pylist(rejects, schema=REJECTS),
    )


def _pair(
    question: str, answers: Sequence[str], found: Sequence[int], passages: PassageColumns
) -> dict[str, object] | None:
    """Return the pair of a question in the first passage that holds an answer, None if none does."""
    for row in found:
        for answer in answers:
            if stands := re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", passages.texts[row], re.IGNORECASE):
                return {
                    "qa_id": stable_id(stable_id(passages.ids[row], *stands.span()), question),
                    "question": question,
                    "answer": stands[0],
                    "aliases": [other for other in answers if other != stands[0]],
                    "passage_id": passages.ids[row],
                    "start": stands.start(),
                    "origin": _ORIGIN,
                    "generator": None,
                    "score": 0.0,
                }
    return None
