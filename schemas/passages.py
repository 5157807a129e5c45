"""Configuration of the baselines that read passages: BM25 or a dense retriever, FiD or an extractive reader.

The paper quotes such systems and trains none. Numbers are those of DPR (Karpukhin et al. 2020) and FiD (Izacard and
Grave 2021) where the field's docstring says nothing else.
"""

from typing import Final, Literal, get_args

from pydantic import Field

from schemas.base import Frozen
from schemas.fid import Reading
from schemas.qamat import IndexConfig, QamatConfig
from schemas.training import TrainingConfig

PassageRow = Literal["BM25+Extractive", "DPR+Extractive", "BM25+FiD", "DPR+FiD"]
"""A retriever of passages and a reader, as a row of Table 2."""
ALL_PASSAGE_ROWS: Final[tuple[PassageRow, ...]] = get_args(PassageRow)


class PassageIndexConfig(Frozen):
    """BM25 over title and text of all passages."""

    k1: float = Field(default=0.9, ge=0)
    b: float = Field(default=0.4, ge=0, le=1)


class RetrievePassagesConfig(Frozen):
    """Finding the passages that a question is answered from."""

    passages: int = Field(default=100, gt=0)
    """Of each question, best first."""
    batch_size: int = Field(default=256, gt=0)
    """Questions that are encoded at once by a dense retriever."""


class DprConfig(Frozen):
    """The dense retriever: one encoder, queries at [MASK] and passages at [CLS], as QAMAT's (DPR has two BERTs)."""

    model: QamatConfig
    training: TrainingConfig
    passage_length: int = Field(default=256, gt=1)
    """Pieces of an encoded passage: [CLS] title text."""


class MdrConfig(DprConfig):
    """The two-hop retriever (MDR, Xiong et al. 2021): the same encoder, asked again with the first passage."""

    query_length: int = Field(default=350, gt=1)
    """Pieces of a query: [MASK] question, in round two with title and text of the first passage behind it."""


class RetrieveHopsConfig(Frozen):
    """Finding passages in two rounds."""

    passages: int = Field(default=100, gt=0)
    """Of each question, those of the best chains."""
    beam: int = Field(default=10, gt=0)
    """Passages of round one that are asked on from, and passages behind each."""
    batch_size: int = Field(default=256, gt=0)
    """Questions that are encoded at once."""


class _ReaderConfig(Frozen):
    model: QamatConfig
    training: TrainingConfig
    reading: Reading
    group: int = Field(default=128, gt=0)
    """At most so many inputs, each a question with one passage, are encoded at a time: bounds memory, and decides
    nothing else."""


class FidTrainingConfig(_ReaderConfig):
    """Training FiD on the questions of a data set with what was retrieved for them."""


class ExtractiveConfig(_ReaderConfig):
    """Training the extractive reader, one softmax over the spans of all passages of a question.

    DPR's reader chooses a passage and then a span of it; here a passage's probability is that of its spans.
    """

    span_length: int = Field(default=10, gt=0)
    """Pieces of an answer at most."""
    occurrences: int = Field(default=16, gt=0)
    """Occurrences of the answer that are summed over at most, those of the best passages first."""


class EvaluatePassagesConfig(Frozen):
    """Answering from passages."""

    batch_size: int = Field(default=32, gt=0)
    """Questions that are read at once."""


class PassagesPreset(Frozen):
    """All of it at one scale."""

    rows: tuple[PassageRow, ...] = ALL_PASSAGE_ROWS
    """What is trained for Table 2: each is a training of its own."""
    index: PassageIndexConfig = PassageIndexConfig()
    encode: IndexConfig = IndexConfig()
    retrieve: RetrievePassagesConfig
    dpr: DprConfig
    fid: FidTrainingConfig
    extractive: ExtractiveConfig
    evaluate: EvaluatePassagesConfig = EvaluatePassagesConfig()
    two_hop: bool = True
    """Whether "MDR+T5-Decoder" is trained for Table 3."""
    mdr: MdrConfig
    hops: RetrieveHopsConfig
    two_hop_fid: FidTrainingConfig
    """What reads both hops' passages."""
