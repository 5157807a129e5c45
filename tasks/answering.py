"""Answering: a checkpoint, an index, passages -> answers with the entries that were read and where they came from.

An engine is opened once and asked as often as one likes. Nothing is stored: an answer is no artifact.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import jax
import numpy as np

from qamat_core.evaluation.calibration import Confidence
from qamat_core.qamat.examples import UNKNOWN, question_inputs
from qamat_core.qamat.inference import Answered, Answerer, answer_text
from qamat_core.qamat.integration import MOST_RANKS
from qamat_core.store.store import Store
from schemas.answers import MAX_WITHOUT, Answer, Asked, Entry, Evidence, Versions
from schemas.artifacts import ArtifactRef
from schemas.errors import InputError
from schemas.model import PAD_ID
from tasks.entry_lookup import EntryLookup
from tasks.qamat_stage import OpenCheckpoint, open_checkpoint
from tasks.searching import open_search

PROBABILITY: Final = "the probability of the answer's tokens"
"""What a confidence is made of that nobody calibrated."""
_UNCALIBRATED: Final = Confidence.uncalibrated()
_SCORES: Final = 2
"""Confidence looks at the scores of the best entries, so many at least."""
_WIDTHS: Final = (1, 16, MAX_WITHOUT)
"""How many entries a batch can take out: each number is compiled once."""


@dataclass(frozen=True)
class AnswerInputs:
    """``passages`` are searched for the entries' passages; an entry of none of them is shown without.

    ``calibration`` is of this checkpoint over this index; without, the answer's own probability is its confidence.
    ``searcher`` is None to search exactly.
    """

    checkpoint: ArtifactRef
    index: ArtifactRef
    passages: tuple[ArtifactRef, ...] = ()
    calibration: ArtifactRef | None = None
    searcher: ArtifactRef | None = None


@dataclass(frozen=True)
class Engine:
    """Answers batches of questions. One thread at a time may ask; entries may be looked up by others meanwhile."""

    versions: Versions
    checkpoint: OpenCheckpoint
    entries: EntryLookup
    answerers: tuple[Answerer, ...]
    """One for each size of a batch, smallest first; all have the same memory."""
    top_k: int
    min_confidence: float
    confidence: Confidence
    """Calibrated for ``top_k`` entries."""
    confidence_from: str
    backend: str
    """What searches the memory: exact, or a searcher as KIND/NAME@VERSION."""

    @classmethod
    def open(
        cls,
        store: Store,
        inputs: AnswerInputs,
        *,
        top_k: int,
        rounds: int = 1,
        min_confidence: float = 0.0,
        batch_sizes: Sequence[int] = (1,),
    ) -> Self:
        """Open what answers.

        Args:
            store: where the artifacts are.
            inputs: which they are.
            top_k: entries that are read, unless a question asks for fewer.
            rounds: of retrieval: 1 QAMAT, 2 QAMAT+.
            min_confidence: below it the engine abstains, unless a question says otherwise.
            batch_sizes: questions are padded to these, and cut into batches of the largest.

        Raises:
            InputError: ``top_k`` exceeds the memory, or what the model can tell apart.
            IncompatibleArtifactError: another encoder or tokenizer made the index.
            CorruptArtifactError: a file is damaged.
        """
        checkpoint = open_checkpoint(store, inputs.checkpoint)
        memory, index, card = open_search(store, inputs.index, checkpoint, inputs.searcher)
        most = min(card.entries, MOST_RANKS) if checkpoint.reader.config.rank_marks else card.entries
        if not 1 <= top_k <= most:
            raise InputError(f"top-k is {top_k}: this model reads at most {most} of its {card.entries} entries")
        params = jax.device_put(checkpoint.params)
        answerer = Answerer(checkpoint.reader, params, memory, index, rounds, top_k, max(top_k, _SCORES), batch_size=1)
        fitted = inputs.calibration
        return cls(
            versions=Versions(
                checkpoint=str(inputs.checkpoint),
                tokenizer=str(checkpoint.tokenizer_ref),
                index=str(inputs.index),
                memory=str(card.memory),
            ),
            checkpoint=checkpoint,
            entries=EntryLookup.open(store, card.memory, inputs.passages),
            answerers=tuple(replace(answerer, batch_size=size) for size in sorted(set(batch_sizes))),
            top_k=top_k,
            min_confidence=min_confidence,
            confidence=Confidence.load(store.open_directory(fitted)) if fitted else _UNCALIBRATED,
            confidence_from=str(fitted) if fitted else PROBABILITY,
            backend=str(inputs.searcher or "exact"),
        )

    def warm(self) -> None:
        """Compile all that answers: questions wait for nothing but their answers then."""
        for answerer in self.answerers:
            count, size = answerer.batch_size, answerer.reader.config.t5.d_model
            for width in _WIDTHS[1:]:
                queries, banned = np.zeros((count, size), np.float32), np.full((count, width), UNKNOWN, np.int32)
                answerer.index.search(queries, answerer.retrieve, banned)
            self._read(["warm"] * count, self.top_k, np.full((count, _WIDTHS[0]), UNKNOWN, np.int32))

    @property
    def most(self) -> int:
        """Questions of the largest batch."""
        return self.answerers[-1].batch_size

    def about(self) -> dict[str, Any]:
        """Return how it answers: the size of its memory, what searches it, and the defaults of a question."""
        return {
            "entries": len(self.entries),
            "backend": self.backend,
            "top_k": self.top_k,
            "min_confidence": self.min_confidence,
            "confidence_from": self.confidence_from,
        }

    def check(self, asked: Asked) -> None:
        """Refuse what cannot be answered.

        Raises:
            InputError: the question is empty or too long, or asks for more entries than are read here.
            MissingArtifactError: an entry that is to be taken out is not there.
        """
        asked.check()
        if asked.top_k is not None and not 1 <= asked.top_k <= self.top_k:
            raise InputError(f"top_k is {asked.top_k}: 1 to {self.top_k} entries are read here")
        for qa_id in asked.without:
            self.entries.row(qa_id)

    def answer(self, questions: Sequence[Asked]) -> list[Answer]:
        """Answer questions, in their order.

        Raises:
            InputError: as ``check``.
            MissingArtifactError: as ``check``.
        """
        alike: dict[int, list[int]] = defaultdict(list)
        for place, asked in enumerate(questions):
            self.check(asked)
            alike[asked.top_k or self.top_k].append(place)
        found: dict[int, Answer] = {}
        for top_k, places in alike.items():
            for start in range(0, len(places), self.most):
                part = places[start : start + self.most]
                found.update(zip(part, self._answer([questions[place] for place in part], top_k), strict=True))
        return [found[place] for place in range(len(questions))]

    def entry(self, qa_id: str) -> Entry:
        """Return an entry of the memory.

        Raises:
            MissingArtifactError: the memory has none with this id.
        """
        return Entry(**self.entries.shown(self.entries.row(qa_id)))

    def _answer(self, questions: Sequence[Asked], top_k: int) -> Iterable[Answer]:
        banned = [[self.entries.row(qa_id) for qa_id in asked.without] for asked in questions]
        width = next(width for width in _WIDTHS if width >= max(map(len, banned)))
        rows = np.full((len(banned), width), UNKNOWN, np.int32)
        for line, out in zip(rows, banned, strict=True):
            line[: len(out)] = out
        answered = self._read([asked.question.strip() for asked in questions], top_k, rows)
        return (self._told(asked, answered, number) for number, asked in enumerate(questions))

    def _read(self, texts: Sequence[str], top_k: int, banned: np.ndarray) -> Answered:
        answerer = next(one for one in self.answerers if one.batch_size >= len(texts))
        config = answerer.reader.config
        inputs = question_inputs(texts, self.checkpoint.tokenizer, config)
        inputs = np.pad(inputs, ((0, 0), (0, config.question_length - inputs.shape[1])), constant_values=PAD_ID)
        return answerer.answer(inputs, top_k, banned)

    def _told(self, asked: Asked, answered: Answered, number: int) -> Answer:
        candidate = answer_text(self.checkpoint.tokenizer.decode(answered.tokens[number]))
        sum_logprob = float(answered.sum_logprob[number])
        top_k = asked.top_k or self.top_k
        calibrated = top_k == self.top_k
        sure = self.confidence if calibrated else _UNCALIBRATED
        confidence = round(sure(sum_logprob, answered.scores[number], answered.weights[number]), 4)
        least = self.min_confidence if asked.min_confidence is None else asked.min_confidence
        read = zip(answered.rows[number, :top_k].tolist(), answered.weights[number, :top_k].tolist(), strict=True)
        return Answer(
            question=asked.question.strip(),
            answer=None if confidence < least else candidate,
            candidate=candidate,
            confidence=confidence,
            confidence_from=self.confidence_from if calibrated else PROBABILITY,
            abstained=confidence < least,
            sum_logprob=round(sum_logprob, 4),
            evidence=tuple(
                Evidence(**self.entries.shown(row), weight=round(weight, 4)) for row, weight in read if row >= 0
            ),
            without=asked.without,
            versions=self.versions,
        )
