"""What RePAQ's training tasks share: the training questions, and what is retrieved for them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int32

from qamat_core import progress
from qamat_core.evaluation.predictions import accepted_answers
from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.examples import question_examples
from qamat_core.repaq.candidates import Answers, Candidates
from qamat_core.repaq.retrieval import Retriever
from qamat_core.store.following import follows
from qamat_core.store.store import Store
from qamat_core.training.checkpoint import Params
from qamat_core.training.processes import meet, same_everywhere
from schemas.artifacts import ArtifactRef
from schemas.repaq import RankingConfig
from schemas.tables import MULTIHOP_EXAMPLES
from tasks.qamat_stage import OpenCheckpoint, open_questions


@dataclass(frozen=True)
class RankingInputs:
    """``start`` is trained; the questions are those of a data set."""

    start: ArtifactRef
    memory: ArtifactRef
    questions: ArtifactRef


@dataclass(frozen=True)
class TrainingQuestions:
    """The E questions of a data set, with the memory that answers them."""

    config: RankingConfig
    entries: MemoryEntries
    answers: list[list[str]]
    inputs: Int32[np.ndarray, "E L"]
    banned: Int32[np.ndarray, "E R"]
    accepted: Answers

    def candidates(self, retriever: Retriever, params: Params, file: Path) -> Candidates:
        """Retrieve the entries of all questions with an encoder, unless that was done; ``file`` keeps them.

        Raises:
            TrainingError: no question retrieves an entry that answers it.
        """
        if same_everywhere(int(file.exists())):
            return Candidates.load(file)
        found = retriever.retrieve(params, self.entries.key_tokens, self.inputs, self.config.top_k, self.banned)
        candidates = Candidates.judged(found, self.answers, self.accepted)
        useful = len(candidates.learnable())
        progress.report("retrieve", len(self.inputs), len(self.inputs), {"answered": useful / len(self.inputs)})
        if not follows():
            file.parent.mkdir(parents=True, exist_ok=True)
            candidates.save(file)
        meet()
        return candidates


def open_training(
    store: Store, config: RankingConfig, memory: ArtifactRef, questions: ArtifactRef, start: OpenCheckpoint
) -> TrainingQuestions:
    """Open what a ranking is learned from.

    Raises:
        TrainingError: there is no question.
    """
    asked, pairs = open_questions(store, questions), store.open_table(memory)
    entries = MemoryEntries(pairs, start.tokenizer, start.reader.config)
    nothing = MULTIHOP_EXAMPLES.empty_table()
    examples = question_examples(
        asked, nothing, entries, start.tokenizer, start.reader.config, ban_own=config.ban_own_entries
    )
    return TrainingQuestions(
        config,
        entries,
        asked.column("answers").to_pylist(),
        examples.inputs,
        examples.banned,
        Answers(entries.ids, accepted_answers(pairs)),
    )
