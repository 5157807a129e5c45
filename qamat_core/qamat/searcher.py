"""The searcher as an artifact: what another search than the exact one needs besides the index, and what it finds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float

from qamat_core.indexes.approximate import build_scann, load_scann
from qamat_core.indexes.device import place_keys
from qamat_core.indexes.filtered import Filtered
from qamat_core.indexes.protocol import Index
from qamat_core.indexes.quantised import open_quantised, write_quantised
from qamat_core.qamat.index import EncodedCard
from schemas.artifacts import ArtifactRef
from schemas.errors import CorruptArtifactError
from schemas.qamat import SearchConfig

CARD: Final = "searcher.json"
RECALL_AT: Final = (1, 10, 32, 100)
"""Every K that recall is measured at, as far as the memory has so many entries."""


class SearcherCard(EncodedCard):
    """What searches which index, and how much of what exact search finds it finds."""

    index: ArtifactRef
    search: SearchConfig
    metric: str = "inner product"
    entries: int
    recall: Mapping[int, float]
    """K -> share of the K best entries by exact search that are found."""

    def save(self, directory: Path) -> None:
        """Write the card beside the files."""
        (directory / CARD).write_text(self.model_dump_json(indent=2) + "\n")


def build_searcher(keys: np.ndarray, config: SearchConfig, directory: Path) -> Index:
    """Write the files of a searcher of M >= 1 keys, and return it.

    Args:
        keys: [M, D]; may be mapped from a file.
        config: the backend.
        directory: where the files go.
    """
    if config.backend == "int8":
        write_quantised(keys, directory)
        return open_quantised(directory)
    built = build_scann(keys, config.scann)
    built.save(directory)
    return Filtered(built, keys)


def load_searcher(directory: Path, keys: np.ndarray, card: SearcherCard) -> Index:
    """Open a searcher of the keys of its index.

    Raises:
        CorruptArtifactError: a file is missing or cut short.
    """
    try:
        if card.search.backend == "int8":
            return open_quantised(directory)
        return Filtered(load_scann(directory, card.search.scann, card.entries), keys)
    except (OSError, EOFError, ValueError) as error:
        raise _not_a_searcher(directory, error) from error


def load_card(directory: Path) -> SearcherCard:
    """Open the card of a searcher.

    Raises:
        CorruptArtifactError: there is none.
    """
    try:
        return SearcherCard.model_validate_json((directory / CARD).read_text())
    except (OSError, ValueError) as error:
        raise _not_a_searcher(directory, error) from error


def measure_recall(searcher: Index, keys: np.ndarray, queries: Float[np.ndarray, "N D"]) -> dict[int, float]:
    """Return, for every K, the share of what exact search finds that a searcher finds."""
    ks = [k for k in RECALL_AT if k <= len(keys)]
    exact = place_keys(keys).search(queries, ks[-1]).rows
    recall: dict[int, float] = {}
    for k in ks:
        found = searcher.search(queries, k).rows
        shares = [np.isin(wanted, rows).mean() for wanted, rows in zip(exact[:, :k], found, strict=True)]
        recall[k] = round(float(np.mean(shares)), 4)
    return recall


def _not_a_searcher(directory: Path, error: Exception) -> CorruptArtifactError:
    reason = str(error).partition("\n")[0]
    return CorruptArtifactError(f"{directory}: not a searcher ({reason}); build it again")
