"""A bundle: all that answers together, named by key and content, as one artifact.

Checkpoint (encoder and decoder), index, memory and tokenizer, with what searches the index, how sure an answer is, and
the passages that are shown. It holds references, no copies: ``bundle.json`` alone.
"""

from pathlib import Path
from typing import Final, Literal

from schemas.artifacts import ArtifactRef, Digest
from schemas.base import Frozen
from schemas.errors import CorruptArtifactError

CARD: Final = "bundle.json"


class Bundle(Frozen):
    """What answers together, and how."""

    checkpoint: ArtifactRef
    index: ArtifactRef
    memory: ArtifactRef
    tokenizer: ArtifactRef
    searcher: ArtifactRef | None
    """None to search exactly."""
    calibration: ArtifactRef | None
    """None where the answer's own probability is its confidence."""
    passages: tuple[ArtifactRef, ...]
    """In which the passages of entries are looked up."""
    encoder: Digest
    """Content of the checkpoint whose encoder made the index."""
    fingerprint: Digest
    """Of the tokenizer."""
    entries: int
    top_k: int
    rounds: Literal[1, 2]

    def save(self, directory: Path) -> None:
        """Write it into a directory, which is made if need be."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / CARD).write_text(self.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, directory: Path) -> "Bundle":
        """Read it.

        Raises:
            CorruptArtifactError: there is none that can be read.
        """
        try:
            return cls.model_validate_json((directory / CARD).read_text())
        except (OSError, ValueError) as error:
            raise CorruptArtifactError(f"{directory / CARD}: not a bundle; run `qamat promote` again") from error
