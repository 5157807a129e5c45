"""What a generated memory holds of the facts it was made to hold, and what its filter did.

Knows no corpus: the caller says which fact each pair states rightly (None: it is wrong).
"""

from collections.abc import Hashable, Mapping, Sequence, Set

import numpy as np
import pyarrow as pa

from qamat_core.evaluation.bootstrap import RESAMPLES, Values, mean_interval
from qamat_core.evaluation.summary import percentages
from schemas.errors import InputError
from schemas.tables import METRICS

Stated = Sequence[Hashable | None]
"""For each pair the fact that it states rightly, None for a wrong pair."""


def coverage(facts: Set[Hashable], stated: Stated) -> Values:
    """Return, for every fact (in a fixed order), 1 if a pair states it rightly, else 0; shape [facts]."""
    held = set(stated)
    return np.array([fact in held for fact in sorted(facts, key=repr)], dtype=np.float64)


def precision(stated: Stated) -> Values:
    """Return, for every pair, 1 if it is right, else 0; shape [pairs]."""
    return np.array([fact is not None for fact in stated], dtype=np.float64)


def filter_recall(candidates: Stated, kept: Sequence[bool]) -> Values:
    """Return, for every right candidate, 1 if the filter kept it, else 0; shape [right candidates]."""
    pairs = zip(candidates, kept, strict=True)
    return np.array([keep for fact, keep in pairs if fact is not None], dtype=np.float64)


def audit(
    facts: Set[Hashable],
    candidates: Stated,
    kept: Sequence[bool],
    memory: Stated,
    *,
    row: str,
    dataset: str,
    split: str,
    model_size: str,
    seed: int | None,
    resamples: int = RESAMPLES,
) -> pa.Table:
    """Return the audit as rows of ``metrics`` (table "table1", memory "generated"), in percent with intervals.

    ``unfiltered_coverage`` and ``unfiltered_precision`` are of all candidates, ``filter_precision`` of the kept ones,
    ``filter_recall`` the share of right candidates that were kept; ``coverage`` and ``precision`` are the memory's,
    after deduplication.

    Args:
        facts: the facts asked for.
        candidates: every generated pair, before the filter, [candidates].
        kept: whether the filter kept it, [candidates].
        memory: every entry of the memory.
        row: where the figures stand, with the other columns of the same names.
        resamples: bootstrap resamples.

    Raises:
        InputError: there are no facts.
    """
    if not facts:
        raise InputError("no facts to audit: the questions ask for none that the gold memory states")
    measured = {
        "coverage": coverage(facts, memory),
        "precision": precision(memory),
        "unfiltered_coverage": coverage(facts, candidates),
        "unfiltered_precision": precision(candidates),
        **_filter_quality("filter", candidates, kept),
    }
    return _rows(measured, None, _place(row, dataset, split, model_size, seed), resamples)


def audit_open_domain(
    candidates: Stated,
    kept: Sequence[bool],
    *,
    k: int,
    row: str,
    dataset: str,
    split: str,
    model_size: str,
    seed: int | None,
    resamples: int = RESAMPLES,
) -> pa.Table:
    """Return ``open_domain_filter_precision`` and ``open_domain_filter_recall`` as rows of ``metrics``.

    They stand beside the figures of the filter that made the memory; the memory is not of what this one kept.

    Args:
        candidates: as of ``audit``, like what is not named here.
        kept: whether the open-domain filter would have kept it, [candidates].
        k: the passages that it read for a question, the column ``k``.
    """
    measured = _filter_quality("open_domain_filter", candidates, kept)
    return _rows(measured, k, _place(row, dataset, split, model_size, seed), resamples)


def _filter_quality(name: str, candidates: Stated, kept: Sequence[bool]) -> dict[str, Values]:
    passed = [fact for fact, keep in zip(candidates, kept, strict=True) if keep]
    return {f"{name}_precision": precision(passed), f"{name}_recall": filter_recall(candidates, kept)}


def _rows(measured: Mapping[str, Values], k: int | None, place: Mapping[str, object], resamples: int) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {**place, "n": len(values)} | percentages(metric, k, mean_interval(values, resamples=resamples))
            for metric, values in measured.items()
            if len(values)
        ],
        schema=METRICS,
    )


def _place(row: str, dataset: str, split: str, model_size: str, seed: int | None) -> dict[str, object]:
    place: dict[str, object] = {"table": "table1", "row": row, "dataset": dataset, "split": split}
    return place | {"memory": "generated", "model_size": model_size, "source": "measured", "seed": seed}


def corpus_counts(
    counts: Mapping[str, int], *, row: str, dataset: str, split: str, model_size: str, seed: int | None
) -> pa.Table:
    """Return counts (entries, passages) as rows of ``metrics`` of the table of corpus statistics."""
    place = _place(row, dataset, split, model_size, seed)
    rows = [place | {"metric": name, "value": float(value)} for name, value in counts.items()]
    return pa.Table.from_pylist(rows, schema=METRICS)
