"""Asking: a question, a checkpoint, an index -> the answer, the entries read with their weights, their passages.

Nothing is stored: an answer is no artifact.
"""

from dataclasses import dataclass

from qamat_core.qamat.examples import question_inputs
from qamat_core.qamat.inference import Answerer, answer_text
from qamat_core.qamat.integration import MOST_RANKS
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.base import Frozen
from schemas.errors import InputError
from schemas.resources import Resources
from tasks.qamat_stage import open_answering, open_checkpoint

MAX_QUESTION = 2000
"""Characters of the longest question that is answered."""


@dataclass(frozen=True)
class AskInputs:
    """``passages`` are searched for the entries' passages; an entry of none of them is shown without."""

    checkpoint: ArtifactRef
    index: ArtifactRef
    passages: tuple[ArtifactRef, ...] = ()


class Evidence(Frozen):
    """An entry that was read: p(m|X), and the passage that it came from."""

    qa_id: str
    question: str
    answer: str
    weight: float
    title: str | None
    passage: str | None


class Answer(Frozen):
    """What was answered, and from what."""

    question: str
    answer: str
    sum_logprob: float
    """Log-probability of the answer's tokens under the decoder."""
    evidence: tuple[Evidence, ...]


def ask(question: str, inputs: AskInputs, *, top_k: int, rounds: int = 1, resources: Resources) -> Answer:
    """Answer one question from a memory.

    Raises:
        InputError: the question is empty or too long, or ``top_k`` exceeds the memory.
    """
    question = question.strip()
    if not question or len(question) > MAX_QUESTION:
        raise InputError(f"a question has 1 to {MAX_QUESTION} characters, this one {len(question)}: ask another")
    store = Store(resources.home)
    checkpoint = open_checkpoint(store, inputs.checkpoint)
    memory, index, entries = open_answering(store, inputs.index, checkpoint)
    most = min(len(entries), MOST_RANKS) if checkpoint.reader.config.rank_marks else len(entries)
    if not 1 <= top_k <= most:
        raise InputError(f"top-k is {top_k}: this model reads at most {most} of its {len(entries)} entries")
    answerer = Answerer(checkpoint.reader, checkpoint.params, memory, index, rounds, top_k, top_k, batch_size=1)
    answered = answerer.answer(question_inputs([question], checkpoint.tokenizer, checkpoint.reader.config), top_k)
    rows = [row for row in answered.rows[0].tolist() if row >= 0]
    pairs = entries.pairs.take(rows).to_pylist()
    texts = _passages(store, inputs.passages, {pair["passage_id"] for pair in pairs})
    return Answer(
        question=question,
        answer=answer_text(checkpoint.tokenizer.decode(answered.tokens[0])),
        sum_logprob=round(float(answered.sum_logprob[0]), 4),
        evidence=tuple(
            Evidence(
                qa_id=pair["qa_id"],
                question=pair["question"],
                answer=pair["answer"],
                weight=round(weight, 4),
                title=texts.get(pair["passage_id"], (None, None))[0],
                passage=texts.get(pair["passage_id"], (None, None))[1],
            )
            for pair, weight in zip(pairs, answered.weights[0].tolist(), strict=False)
        ),
    )


def _passages(
    store: Store, tables: tuple[ArtifactRef, ...], wanted: set[str | None]
) -> dict[str | None, tuple[str | None, str | None]]:
    """Return title and text of the wanted passages."""
    found: dict[str | None, tuple[str | None, str | None]] = {}
    for ref in tables:
        for row in store.open_table(ref, ["passage_id", "title", "text"]).to_pylist():
            if row["passage_id"] in wanted:
                found[row["passage_id"]] = (row["title"], row["text"])
    return found
