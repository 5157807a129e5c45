"""Table 1 of any corpus: how many pairs and passages each origin gives, before and after filters and deduplication."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from qamat_core.dedup.survivors import ORIGIN_GENERATED
from qamat_core.passage_sets import PassageSet, union
from qamat_core.store.shards import read_shard
from schemas.tables import METRICS

COMBINED: Final = "Combined"
ROWS: Final[Mapping[str, str]] = MappingProxyType({ORIGIN_GENERATED: "Generated", "paq": "Dedup-PAQ"})
"""Origin -> row; another origin has its own name. "Generated" is what the paper calls Additional."""


@dataclass(frozen=True)
class OriginCounts:
    """What one origin gives: ``candidates`` before any filter, ``filtered`` of them passed it; entries are counted."""

    candidates: int
    filtered: int
    passages: PassageSet


def entries_by_origin(shards: Sequence[Path]) -> Counter[str]:
    """Count the entries of a memory by their origin, shard by shard."""
    found: Counter[str] = Counter()
    for path in shards:
        counts = pc.value_counts(read_shard(path, ["origin"]).column("origin"))  # pyright: ignore[reportAttributeAccessIssue]
        found.update({item["values"]: item["counts"] for item in counts.to_pylist()})
    return found


def kept_by_filter(shards: Sequence[Path]) -> int:
    """Count the verdicts that are "kept"."""
    columns = (read_shard(path, ["kept"]).column("kept") for path in shards)
    return sum(pc.sum(column).as_py() or 0 for column in columns)  # pyright: ignore[reportAttributeAccessIssue]


def corpus_statistics(entries: Mapping[str, int], origins: Mapping[str, OriginCounts], dataset: str) -> pa.Table:
    """Return rows of ``metrics`` of "table1": candidates, filtered, entries and passages of each origin and of all.

    Args:
        entries: origin -> entries of the memory.
        origins: origin -> what else is known of it; passages of two origins are counted once in the sum.
        dataset: the corpus's name.
    """
    rows: list[dict[str, object]] = []
    for origin in sorted({*entries, *origins}):
        counts = {"entries": entries.get(origin, 0)}
        if known := origins.get(origin):
            counts |= {"candidates": known.candidates, "filtered": known.filtered, "passages": len(known.passages)}
        memory = "generated" if origin == ORIGIN_GENERATED else "gold" if origin == "gold" else "imported"
        rows += _rows(ROWS.get(origin, origin), memory, counts, dataset)
    total = {
        "candidates": sum(known.candidates for known in origins.values()),
        "filtered": sum(known.filtered for known in origins.values()),
        "entries": sum(entries.values()),
        "passages": len(union(known.passages for known in origins.values())),
    }
    generated = "generated" if ORIGIN_GENERATED in entries else "imported"
    return pa.Table.from_pylist([*rows, *_rows(COMBINED, generated, total, dataset)], schema=METRICS)


def _rows(row: str, memory: str, counts: Mapping[str, int], dataset: str) -> list[dict[str, object]]:
    place: dict[str, object] = {"table": "table1", "row": row, "dataset": dataset, "split": "", "memory": memory}
    place |= {"model_size": "", "source": "measured"}
    return [place | {"metric": metric, "value": float(value)} for metric, value in counts.items()]
