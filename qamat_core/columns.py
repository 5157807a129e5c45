"""Columns of a table of any size: spread into an Arrow file once, mapped into memory wherever rows are asked for."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import pyarrow as pa

from qamat_core.store.shards import read_shard


def spread_columns(shards: Sequence[Path], schema: pa.Schema, file: Path) -> None:
    """Write the schema's columns of some shards, one shard after the other, to an Arrow file."""
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for path in shards:
            writer.write_table(read_shard(path, schema.names))


def map_columns(file: Path) -> "list[Column]":
    """Map what ``spread_columns`` wrote: only the rows that are asked for are read."""
    return [Column(values) for values in pa.ipc.open_file(pa.memory_map(str(file))).read_all().columns]


class Column(Sequence[Any]):
    """An Arrow column read row by row."""

    def __init__(self, values: pa.ChunkedArray) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, row: int) -> Any: ...
    @overload
    def __getitem__(self, row: slice) -> list[Any]: ...
    def __getitem__(self, row: int | slice) -> Any:
        return self._values[row].to_pylist() if isinstance(row, slice) else self._values[row].as_py()

    def __iter__(self) -> Iterator[Any]:
        for chunk in self._values.iterchunks():
            yield from chunk.to_pylist()

    def __arrow_array__(self, type: pa.DataType | None = None) -> pa.ChunkedArray:  # noqa: A002 - pyarrow's name
        return self._values if type is None else self._values.cast(type)
