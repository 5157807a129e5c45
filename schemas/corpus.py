"""Configuration of the jobs that bring a corpus in and turn its pairs into a memory and into training examples."""

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.artifacts import Digest
from schemas.base import Frozen
from schemas.world import WorldConfig

ShardRows = Field(default=1024, ge=1)


class BuildWorldConfig(Frozen):
    """The world corpus as tables of ``shard_rows`` rows a shard."""

    world: WorldConfig = WorldConfig()
    shard_rows: int = ShardRows


class SourceFile(Frozen):
    """A file of a user. Its content is part of the key: a changed file is read again, a moved one is not."""

    name: str
    """The file's own name, without its folder: it stands in the rejects."""
    sha256: Digest


class IngestConfig(Frozen):
    """How files of any known format become tables."""

    shard_rows: int = ShardRows
    max_reject_share: float = Field(default=0.01, ge=0, le=1)
    """Over this share of rejected records a file is refused as a whole."""


class SourcesConfig(Frozen):
    """What decides a table that was read from files: how they are read, and their content."""

    ingest: IngestConfig
    files: tuple[SourceFile, ...] = Field(min_length=1)
    dataset: str = ""
    split: str = ""
    """Of questions: the data set and the split that they are said to be of."""


PairFormat = Literal["paq", "jsonl", "tsv", "opentriviaqa"]


class ImportConfig(Frozen):
    """How the files of a question-answer corpus become pairs."""

    format: PairFormat
    origin: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """What the pairs' column ``origin`` says, such as paq: Table 1 counts by it."""
    shard_rows: int = Field(default=65536, ge=1)
    """So many records are read into one shard, and about so many come together in one partition."""
    max_reject_share: float = Field(default=0.01, ge=0, le=1)
    """Over this share of rejected records a file is refused as a whole; inconsistent pairs of PAQ do not count."""


class ImportSourcesConfig(Frozen):
    """What decides an imported corpus: how its files are read, and their content."""

    importing: ImportConfig
    files: tuple[SourceFile, ...] = Field(min_length=1)


class ImportDrawnConfig(Frozen):
    """A corpus of pairs that stands in for one that others made, such as PAQ, where there is none: drawn from known
    right pairs, as precise as these, of some passages alone."""

    importing: ImportConfig = ImportConfig(format="jsonl", origin="drawn")
    """How it is imported once it is drawn."""
    passages_share: float = Field(default=0.45, gt=0, le=1)
    """Share of the passages that it covers: PAQ covers 9M of 20M (Appendix C.1)."""
    seed: int = 0
    """Draws the passages."""


class EditConfig(Frozen):
    """What decides the next version of a memory: the file of edits."""

    file: SourceFile


class ComplementConfig(Frozen):
    """Which passages are left when those that an imported corpus covers are taken away: no choice is open."""


class CountConfig(Frozen):
    """Where the statistics of a corpus stand."""

    dataset: str
    """The corpus that is counted, by its name."""


class MemoryConfig(Frozen):
    """How kept pairs become a memory."""

    shard_rows: int = Field(default=65536, ge=1)
    """About so many rows come together in one partition of normalised questions, and so in one shard."""
    near_duplicates: float | None = Field(default=None, gt=0, le=1)
    """From this Jaccard similarity of their word sets on, questions with the same normalised answer, names and numbers
    are duplicates; None: only equal normalised questions are. The paper deletes "paraphrases" of PAQ's pairs (section
    4.1) and does not say how."""
    permutations: int = Field(default=128, ge=1)
    """Values of a MinHash signature, by which near-duplicates are found."""
    bands: int | None = Field(default=None, ge=1)
    """Parts of a signature; questions that agree on one are compared. None: the fewest that find 90 % of the pairs at
    the threshold."""

    @model_validator(mode="after")
    def _bands_divide(self) -> Self:
        if self.bands is not None and self.permutations % self.bands:
            raise ValueError(f"bands {self.bands} must divide permutations {self.permutations}")
        return self


class NegativesConfig(Frozen):
    """How pre-training examples are made of passages and their pairs, and which entries are their negatives."""

    seed: int = 0
    spans_per_passage: int = Field(default=4, ge=1)
    """At most so many spans of one example are masked: 1 to so many, drawn for each example (number not given by
    the paper)."""
    examples_per_passage: int | None = Field(default=None, ge=1)
    """At most so many examples a passage; None for as many as make every pair the positive once (not given by the
    paper)."""
    negatives_per_example: int = Field(default=7, ge=0)
    """Section 5.1."""
    random_negatives: int = Field(default=0, ge=0)
    """Of ``negatives_per_example`` so many are drawn at random, behind those of BM25. Section 4.2 speaks of random
    negatives without a number, section 5.1 of hard ones alone."""
    negative_query: Literal["passage", "question"] = "passage"
    """What BM25 is asked with: the passage, as section 4.2 mines "for each input X" (whole or masked is not given:
    whole), or the questions of the example's own pairs."""
    engine: Literal["bm25s", "lucene"] = "bm25s"
    """Both give the same negatives within ties, as far as questions have at most 40 words; ``lucene`` needs `make
    lucene`."""
    k1: float = Field(default=0.9, ge=0)
    b: float = Field(default=0.4, ge=0, le=1)

    @model_validator(mode="after")
    def _random_ones_fit(self) -> "NegativesConfig":
        if self.random_negatives > self.negatives_per_example:
            raise ValueError(f"random_negatives is above negatives_per_example ({self.negatives_per_example})")
        return self


class ReverseConfig(Frozen):
    """How a data set's training questions become pairs of passages (DPR-reverse of Appendix C.2)."""

    passages: int = Field(default=100, ge=1)
    """Found for a question, of which the first that holds an answer is taken; DPR's number."""
    shard_rows: int = ShardRows
    k1: float = Field(default=0.9, ge=0)
    b: float = Field(default=0.4, ge=0, le=1)


class ComposeConfig(Frozen):
    """How questions are made of a memory itself; not in the paper."""

    hops: Literal[1, 2] = 1
    """1: every entry's own question. 2: an entry's question in which another entry's answer stands, with that other's
    question in its place."""
    firsts_per_final: int = Field(default=8, ge=1)
    """At most so many entries, by id, are put in the place of one phrase."""
    max_answer_words: int = Field(default=8, ge=1)
    """The longest answer that is looked for as a phrase in a question."""


class MultihopConfig(Frozen):
    """How the entries that a question needs are mined (Appendix D); the numbers are not in the paper."""

    hops: Literal[1, 2] = 2
    """1 for single-hop questions: the final entry alone (tier "final-only")."""
    ban_own_entries: bool = False
    """Leave out entries that ask the example's own question (normalised): for a memory that holds it."""
    nearest: int | None = Field(default=None, ge=1)
    """A final entry has to be among so many whose questions overlap most with the example's, its own copies counted;
    None for any: where nearly every answer stands somewhere in the memory, a far entry says nothing of the question."""
    finals_per_question: int = Field(default=50, ge=1)
    """Entries with a gold answer that are tried as final entry, by overlap with the question."""
    entries_per_name: int = Field(default=100, ge=1)
    """Entries near a name that a comparison says, of which those that hold it are tried."""
    max_answer_words: int = Field(default=8, ge=1)
    """The longest answer that is looked for as a phrase in a question."""
    k1: float = Field(default=0.9, ge=0)
    b: float = Field(default=0.4, ge=0, le=1)
