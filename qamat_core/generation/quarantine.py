"""Decoding that a bad record cannot stop: a batch that fails is halved until the record that fails stands alone."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np

from qamat_core.generation.batching import Batch
from qamat_core.generation.generator import Candidate, Search
from schemas.errors import GenerationError

PREFIX: Final = "quarantined: "
"""Begins the reason of every record for which the model failed."""
_LONGEST_REASON: Final = 200


class Decoder(Protocol):
    """What decodes batches: a ``Generator``."""

    def decode(self, batch: Batch, search: Search) -> list[list[Candidate]]:
        """Return the candidates, best first, of each row that has a place."""
        ...


class Quarantined(NamedTuple):
    """Stands in the place of a record's candidates; ``reason`` begins with ``PREFIX``."""

    reason: str


Decoded = list[Candidate] | Quarantined


def decode_all(model: Decoder, batch: Batch, search: Search) -> list[Decoded]:
    """Decode a batch; a record that the model fails for is quarantined with the reason, whatever its mates.

    Every call has the batch's full shape, so that the other records come out as if nothing had happened. Want of
    memory and faults of files are no fault of a record and are raised as they are.

    Raises:
        GenerationError: the model fails for every one of several records: it is at fault, not they.
    """
    found = _decode(model, batch, search)
    if len(found) > 1 and all(isinstance(one, Quarantined) for one in found):
        raise GenerationError(
            f"the generator failed for each of {len(found)} records of a batch, first {found[0]}; mend the checkpoint"
        )
    return found


def _decode(model: Decoder, batch: Batch, search: Search) -> list[Decoded]:
    try:
        found = model.decode(batch, search)
    except (MemoryError, OSError):
        raise
    except Exception as error:
        if len(batch.places) > 1:
            middle = len(batch.places) // 2
            halves = _part(batch, range(middle)), _part(batch, range(middle, len(batch.places)))
            return [one for half in halves for one in _decode(model, half, search)]
        lines = str(error).splitlines() or [""]
        return [_quarantined(f"{type(error).__name__}: {lines[0]}")]
    return [_checked(candidates) for candidates in found]


def _part(batch: Batch, rows: Sequence[int]) -> Batch:
    """Return some rows as a batch of the same shape, filled up with the first of them."""
    chosen = np.full(len(batch.tokens), rows[0])
    chosen[: len(rows)] = rows
    return Batch([batch.places[row] for row in rows], batch.tokens[chosen])


def _checked(candidates: list[Candidate]) -> Decoded:
    if not candidates:
        return _quarantined("the model gave no candidate")
    if not all(np.isfinite([one.sum_logprob, one.mean_logprob]).all() for one in candidates):
        return _quarantined("the model gave a score that is not finite")
    return candidates


def _quarantined(reason: str) -> Quarantined:
    return Quarantined(f"{PREFIX}{reason}"[:_LONGEST_REASON])
