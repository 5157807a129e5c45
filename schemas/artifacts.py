"""References to artifacts: what tasks and flows exchange instead of rows."""

from typing import Annotated, Literal, get_args

from pydantic import StringConstraints

from schemas.base import Frozen

NAME = r"^[a-z0-9][a-z0-9-]{0,63}$"
LONGEST_NAME = 64
Name = Annotated[str, StringConstraints(pattern=NAME)]
"""An artifact's name: lower-case letters, digits and hyphens."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in hexadecimal digits."""

TableKind = Literal[
    "passages",
    "annotations",
    "answers",
    "questions",
    "verdicts",
    "duplicates",
    "qa_pairs",
    "pair_spans",
    "negatives",
    "pretrain_examples",
    "qa_examples",
    "multihop_examples",
    "metrics",
    "retrievals",
    "predictions",
    "attributions",
    "overlaps",
    "rejects",
]
DirectoryKind = Literal[
    "tokenizer",
    "checkpoint",
    "index",
    "searcher",
    "passage_index",
    "passage_vectors",
    "calibration",
    "bundle",
    "gate",
    "report",
]
Kind = TableKind | DirectoryKind | Literal["tag"]
"""A tag is a registry row without data of its own; no job makes one (``qamat_core.store.tags``)."""
KINDS: tuple[str, ...] = (*get_args(TableKind), *get_args(DirectoryKind), "tag")


class ArtifactRef(Frozen):
    """A pointer to one immutable version of an artifact.

    ``key`` hashes what decides the work (kind, schema version, configuration, inputs' content, code);
    ``content`` is the SHA-256 over what was produced. ``uri`` is relative to the store's home.
    """

    kind: Kind
    name: Name
    version: int
    key: Digest
    content: Digest
    uri: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}@{self.version}"


class Memory(Frozen):
    """A memory with the pre-training examples made of it."""

    qa_pairs: ArtifactRef
    examples: ArtifactRef


class Indexed(Frozen):
    """An encoded memory, and what another search than the exact one needs besides."""

    index: ArtifactRef
    searcher: ArtifactRef | None = None


class Pretrained(Frozen):
    """A checkpoint and the index that it searches."""

    checkpoint: ArtifactRef
    index: ArtifactRef
