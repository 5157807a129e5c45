"""What decides whether work is done again: the key of an artifact.

A key hashes the kind and name, the schema version, the configuration, the content digests of the inputs, and
the code: the sources of the first-party modules that a task imports, transitively, and the versions of the
libraries that these name.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel

from schemas.artifacts import ArtifactRef
from schemas.tables import SCHEMA_VERSION

FIRST_PARTY = ("schemas", "qamat_core", "tasks", "flows")
_ATTEMPTS = 9
"""How often a source is parsed again where the parser itself fails."""


def artifact_key(kind: str, name: str, config: BaseModel, inputs: Mapping[str, ArtifactRef], module: str) -> str:
    """Return the key (SHA-256) of the artifact that ``module`` makes of these inputs under this configuration."""
    return digest_json(
        {
            "kind": kind,
            "name": name,
            "schema": SCHEMA_VERSION,
            "config": config.model_dump(mode="json"),
            "inputs": {label: ref.content for label, ref in inputs.items()},
            "code": code_digest(module),
        }
    )


def digest_json(value: object) -> str:
    """Return the SHA-256 of the value's canonical JSON: keys sorted, no white space."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@cache
def code_digest(module: str) -> str:
    """Return the SHA-256 over the sources that ``module`` imports transitively and the libraries they name."""
    return digest_json(code_of(module))


@cache
def code_of(module: str) -> Mapping[str, Mapping[str, str]]:
    """Return the digests of the sources that ``module`` imports transitively, the versions of the libraries they name.

    Both by name, under "sources" and "libraries".
    """
    sources = first_party_sources(module)
    return {
        "sources": {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sources.items()},
        "libraries": library_versions(sources.values()),
    }


def first_party_sources(module: str) -> dict[str, Path]:
    """Return module name -> source file of ``module`` and all first-party modules that it imports, transitively."""
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _source_of(name)
        if name in found or path is None:
            continue
        found[name] = path
        waiting.extend(imported for imported in _imports(path) if imported.split(".")[0] in FIRST_PARTY)
    return dict(sorted(found.items()))


def library_versions(sources: Iterable[Path]) -> dict[str, str]:
    """Return distribution -> version of every third-party library that the sources import."""
    roots = {imported.split(".")[0] for path in sources for imported in _imports(path)}
    names = {name for root in roots - set(FIRST_PARTY) for name in _distributions().get(root, [])}
    return {name: version(name) for name in sorted(names)}


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


@cache
def _source_of(module: str) -> Path | None:
    spec = find_spec(module)
    return Path(spec.origin) if spec and spec.origin else None


@cache
def _imports(path: Path) -> tuple[str, ...]:
    return tuple(_imported(_parsed(path.read_text())))


def _parsed(source: str) -> ast.Module:
    """Parse a source; a parser of Python 3.11 now and then fails while another thread parses (CPython gh-106905)."""
    for _ in range(_ATTEMPTS):
        with suppress(SystemError):
            return ast.parse(source)
    return ast.parse(source)


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names that a source imports; for ``from a import b`` both ``a`` and ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if _is_module(node.module, alias.name))


@cache
def _is_module(package: str, name: str) -> bool:
    if package.split(".", maxsplit=1)[0] not in FIRST_PARTY:
        return False
    spec = find_spec(package)
    return bool(spec and spec.submodule_search_locations) and find_spec(f"{package}.{name}") is not None
