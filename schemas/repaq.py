"""Configuration of RePAQ (Lewis et al. 2021), which answers with the nearest entry's answer, and of its re-ranker.

RePAQ's training code was never released; what its paper or QAMAT's does not give is ours and says so.
"""

from pydantic import Field

from schemas.base import Frozen
from schemas.qamat import QamatConfig
from schemas.training import TrainingConfig


class RankingConfig(Frozen):
    """Learning to rank entries by whether their answer is right."""

    model: QamatConfig
    training: TrainingConfig
    top_k: int = Field(default=50, gt=1)
    """Entries retrieved for a training question, over which the right ones' probability is a softmax; not given."""
    batch_size: int = Field(default=256, gt=0)
    """Entries, and questions, that are encoded at once where nothing is learned."""
    ban_own_entries: bool = True
    """Keep the entries that ask a training question's own words (normalised) from being retrieved for it: a memory that
    holds the data set's training questions would give their answers away."""


class RepaqConfig(RankingConfig):
    """The retriever: keys are questions alone."""

    refresh_every: int = Field(default=1000, gt=0)
    """Steps between two encodings of the whole memory, after each of which the entries of every training question are
    retrieved anew; not given."""


class RerankerConfig(RankingConfig):
    """The cross-encoder that reads a question with one retrieved entry."""

    retriever_weight: float = Field(default=0.0, ge=0)
    """Weight of the retriever's score that is added to the re-ranker's, in training and after it. 0 is RePAQ, whose
    re-ranker starts from a public language model; one that has seen little text needs far longer to compare what it
    reads than the retriever, whose score it can begin with."""


class RepaqEvaluationConfig(Frozen):
    """Answering with the answer of the best entry."""

    top_k: int = Field(default=50, gt=0)
    """Entries that are retrieved, and re-ranked where there is a re-ranker (QAMAT's paper: 50)."""
    batch_size: int = Field(default=256, gt=0)
    """Questions that are encoded at once, and pairs of a question and an entry."""
