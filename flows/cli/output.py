"""What commands print: tables for people, plain lines where no terminal is, one JSON object for programs."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TypeVar

from rich.console import Console
from rich.table import Table
from rich.tree import Tree

T = TypeVar("T")


def is_interactive() -> bool:
    """Say whether a person looks on: standard output is a terminal and ``CI`` is not set."""
    return sys.stdout.isatty() and os.environ.get("CI", "").lower() not in ("1", "true")


def print_json(value: Mapping[str, object]) -> None:
    """Print one JSON object as one line."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table: drawn for people, otherwise one line a row with tabs between the cells, without a head."""
    if not is_interactive():
        for row in rows:
            print(*row, sep="\t")
        return
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*map(str, row))
    Console(soft_wrap=True).print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print one ``name: value`` a line."""
    width = max(map(len, fields), default=0) + 1
    for name, value in fields.items():
        print(f"{name + ':':<{width}} {value}")


def print_tree(tree: Tree) -> None:
    """Print a tree of lines."""
    Console(soft_wrap=True, highlight=False, no_color=not is_interactive()).print(tree)


def size(count: int) -> str:
    """Return bytes in a unit that people read."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
