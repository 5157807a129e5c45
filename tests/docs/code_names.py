"""Looks up names of the code, such as ``qamat_core.qamat.reader.Reader.query``, without importing it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import schemas.tables

ROOMS = ("schemas", "qamat_core", "tasks", "flows")
PROJECT = Path(__file__).parent.parent.parent


def exists(name: str) -> bool:
    """Say whether a module, something that stands in one, a member of a class or a column of a table has this name."""
    *table, column = name.split(".")
    if table[:2] == ["schemas", "tables"] and len(table) == 3:
        return column in getattr(schemas.tables, table[2], {}).names
    parts = name.split(".")
    places = [(source(parts[:count]), parts[count:]) for count in range(len(parts), 0, -1)]
    path, rest = next(((path, rest) for path, rest in places if path), (None, parts))
    return path is not None and _holds(path, tuple(rest))


def source(parts: list[str]) -> Path | None:
    """Return the file of a module or package."""
    path = PROJECT.joinpath(*parts)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def modules() -> set[str]:
    """Return the name of every module that is no package."""
    files = (file.relative_to(PROJECT) for room in ROOMS for file in (PROJECT / room).rglob("*.py"))
    return {".".join(file.with_suffix("").parts) for file in files if file.name != "__init__.py"}


def _holds(path: Path, names: tuple[str, ...]) -> bool:
    node: ast.AST | None = _parsed(path)
    for name in names:
        node = next((found for stated, found in _stated(node) if stated == name), None)
        if node is None:
            return False
    return True


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _stated(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield what a module or a class states: functions, classes, assigned and annotated names."""
    for one in node.body if isinstance(node, ast.Module | ast.ClassDef) else ():
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield one.name, one
        targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
        yield from ((target.id, one) for target in targets if isinstance(target, ast.Name))
