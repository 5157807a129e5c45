"""What `qamat artifacts diff` tells: how many rows differ, the first of them, and a file of all."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from qamat_core.store.differences import CHANGES, delta_schema, differences
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.errors import ConfigError

FIRST = 5
"""Rows of each change that are shown."""
WIDTH = 60
"""Letters of a cell that are shown."""


@dataclass(frozen=True)
class Told:
    """How many rows differ, by change, and the first of each as cells: the change, then the table's columns."""

    counts: dict[str, int]
    first: list[list[str]]


def compare(store: Store, before: ArtifactRef, after: ArtifactRef, out: Path | None) -> Told:
    """Count what differs and keep the first rows; write all of them, with the column ``change``, to ``out``.

    Raises:
        ConfigError: ``out`` cannot be written.
        IncompatibleArtifactError: they are not two versions of one kind of table.
    """
    deltas = differences(store, before, after)
    counts: dict[str, int] = dict.fromkeys(CHANGES, 0)
    first: dict[str, list[list[str]]] = {change: [] for change in CHANGES}
    for rows in _writing(deltas, before, out) if out else deltas:
        for change in CHANGES:
            found = rows.filter(pc.field("change") == change)
            counts[change] += found.num_rows
            shown = found.slice(0, max(0, FIRST - len(first[change])))
            first[change] += [[_cell(value) for value in row.values()] for row in shown.to_pylist()]
    return Told(counts, [row for rows in first.values() for row in rows])


def _writing(deltas: Iterator[pa.Table], ref: ArtifactRef, out: Path) -> Iterator[pa.Table]:
    """Pass rows on, and write them to a file that is there when all are passed."""
    temporary = out.with_name(f".{uuid4().hex}.tmp")
    try:
        with pq.ParquetWriter(temporary, delta_schema(ref.kind), compression="zstd") as writer:
            for rows in deltas:
                writer.write_table(rows)
                yield rows
        temporary.replace(out)
    except OSError as error:
        raise ConfigError(f"{out}: {error.strerror}; give a file that can be written") from error
    finally:
        temporary.unlink(missing_ok=True)


def _cell(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."
