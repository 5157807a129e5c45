"""A table's rows by their ids: mapped from a file that has no name any more, four bytes an id in memory."""

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qamat_core.columns import map_columns, spread_columns


class RowsById:
    """Rows in the order of their table; ``schema``'s first column has the ids.

    What is asked for is read from the file, the rest stays there. The file is removed at once and lives as long as it
    is mapped, so nothing is left behind, however the process ends.
    """

    def __init__(self, shards: Sequence[Path], schema: pa.Schema, directory: Path) -> None:
        self._names = schema.names
        with TemporaryDirectory(dir=directory) as folder:
            spread_columns(shards, schema, Path(folder) / "rows.arrow")
            self._columns = map_columns(Path(folder) / "rows.arrow")
        self._ids = self._columns[0]
        ordered = pc.sort_indices(pa.array(self._ids))  # pyright: ignore[reportAttributeAccessIssue]
        self._order = ordered.to_numpy().astype(np.min_scalar_type(len(self._ids)))

    def __len__(self) -> int:
        return len(self._ids)

    def row_of(self, row_id: str) -> int | None:
        """Return the row of an id, found by bisection; None where the table does not have it."""
        place = bisect_left(self._order, row_id, key=lambda row: self._ids[int(row)])
        row = int(self._order[place]) if place < len(self) else None
        return row if row is not None and self._ids[row] == row_id else None

    def get(self, row: int) -> dict[str, Any]:
        """Return a row."""
        return {name: column[row] for name, column in zip(self._names, self._columns, strict=True)}

    def find(self, row_id: str) -> dict[str, Any] | None:
        """Return the row of an id; None where the table does not have it."""
        row = self.row_of(row_id)
        return None if row is None else self.get(row)
