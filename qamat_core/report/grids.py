"""The paper's tables as grids: which figures stand in which row and column, and which are missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from qamat_core.report.figures import Figure
from qamat_core.report.labels import OVERLAPS, RowLabel, overlap_of
from qamat_core.report.layouts import Layout

_NO_COLUMN: Final = "Figure"
"""The column of a table without any figure."""


@dataclass(frozen=True)
class Grid:
    """Figures by row and column; None where there is no figure."""

    columns: tuple[str, ...]
    rows: tuple[tuple[RowLabel, tuple[Figure | None, ...]], ...]
    of_some: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The layout's."""

    def blank(self, row: str, column: str, missing: str = "missing") -> str:
        """Return what stands in a cell without a figure: a dash where there is nothing to measure."""
        return missing if column.startswith((*self.of_some.get(row, ("",)), _NO_COLUMN)) else "–"  # noqa: RUF001

    @property
    def questions(self) -> str:
        """How many questions the figures stand on, as text."""
        counts = sorted({figure.n for _, cells in self.rows for figure in cells if figure and figure.n})
        if not counts:
            return ""
        return f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"

    def records(self) -> list[dict[str, str]]:
        """Return the rows as text by column; what has no figure is called missing."""
        return [
            {"row": f"{name} ({detail})" if detail else name}
            | {
                column: figure.shown if figure else self.blank(name, column)
                for column, figure in zip(self.columns, cells, strict=True)
            }
            for (name, detail), cells in self.rows
        ]


@dataclass(frozen=True)
class Comparison:
    """One of the paper's tables: what was measured here beside what the paper prints."""

    layout: Layout
    measured: Grid
    quoted: Grid
    missing: tuple[str, ...]
    synthetic: bool


def compare(layout: Layout, figures: Sequence[Figure]) -> Comparison:
    """Lay out one table from all figures."""
    own = [figure for figure in figures if figure.table == layout.table and figure.metric in layout.metrics]
    measured = [figure for figure in own if figure.source == "measured"]
    names = {figure.row for figure in measured}
    absent = [row for row in layout.expected if row not in names and not (layout.sparse and names)]
    order = {row: number for number, row in enumerate(layout.expected)}
    measured.sort(
        key=lambda figure: (
            order.get(figure.row, len(order)),
            OVERLAPS.index(overlap_of(figure)),
            layout.metrics.index(figure.metric),
        )
    )
    grid = _grid(layout, measured, absent)
    return Comparison(
        layout=layout,
        measured=grid,
        quoted=_grid(layout, [figure for figure in own if figure.source == "quoted"], ()),
        missing=(*_missing(layout, grid), *_unswept(layout, measured)),
        synthetic=any(figure.synthetic for figure in measured),
    )


def _grid(layout: Layout, figures: Sequence[Figure], absent: Sequence[str]) -> Grid:
    cells = {(layout.row_of(figure), layout.column_of(figure)): figure for figure in figures}
    rows = list(dict.fromkeys(row for row, _ in cells))
    columns = sorted(dict.fromkeys(column for _, column in cells), key=lambda column: column[0])
    filled = [(row, tuple(cells.get((row, column)) for column in columns)) for row in rows]
    empty = [((row, ""), (None,) * max(len(columns), 1)) for row in absent]
    names = tuple(name for _, name in columns) or ((_NO_COLUMN,) if absent else ())
    return Grid(names, (*filled, *empty), layout.of_some)


def _unswept(layout: Layout, measured: Sequence[Figure]) -> list[str]:
    """Name the percentages without a figure, where there are others."""
    points = {figure.x for figure in measured if figure.row in layout.expected[:1]}
    return [f"{layout.name}: {layout.expected[0]} at {x:g} %" for x in layout.swept if points and x not in points]


def _missing(layout: Layout, grid: Grid) -> tuple[str, ...]:
    """Name every cell without a figure, a row without any by its name alone."""
    found: list[str] = []
    for (row, detail), cells in grid.rows:
        label = f"{layout.name}: {row}" + (f" ({detail})" if detail else "")
        if not any(cells):
            found.append(label)
        elif not layout.sparse:
            empty = [name for name, cell in zip(grid.columns, cells, strict=True) if cell is None]
            found += [f"{label}, {name}" for name in empty if grid.blank(row, name) == "missing"]
    return tuple(found)
