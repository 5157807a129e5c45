"""The navigation names every page, links lead somewhere, and what pages name in the code is there."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unicodedata import normalize

import pytest

from tests.docs.code_names import PROJECT, ROOMS, exists, modules

DOCS = PROJECT / "docs"
MADE = "reference/cli.md"
"""Written by `make docs` out of the commands' own help."""
PAGES = sorted(path for path in DOCS.rglob("*.md") if path != DOCS / MADE)
OTHERS = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "docker/README.md")]


def named(entry: object) -> Iterator[str]:
    """Yield every page of a part of the navigation."""
    if isinstance(entry, str):
        yield entry
    for inner in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
        yield from named(inner)


def text_of(page: Path) -> str:
    """Return a page without what stands in it as code."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text())
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(page: Path) -> set[str]:
    """Return the ids that the headings of a page get."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    plain = (normalize("NFKD", heading).encode("ascii", "ignore").decode() for heading in headings)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in plain}


def test_the_navigation_names_every_page_once() -> None:
    navigation = tomllib.loads((PROJECT / "zensical.toml").read_text())["project"]["nav"]
    pages = [str(page.relative_to(DOCS)) for page in PAGES]
    assert Counter(named(navigation)) == Counter([*pages, MADE])


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if target == DOCS / MADE:
            continue
        assert target.exists(), f"{link}: no such file"
        if page.is_relative_to(DOCS):
            assert target.is_relative_to(DOCS), f"{link} leaves the site: name the file in letters of code instead"
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_modules_that_a_page_names_exist(page: Path) -> None:
    for name in re.findall(rf"`((?:{'|'.join(ROOMS)})(?:\.\w+)+)`", page.read_text()):
        assert exists(name), f"{name} is not in the code"


def test_the_reference_has_every_module_once() -> None:
    pages = (DOCS / "reference").rglob("*.md")
    shown = [name for page in pages for name in re.findall(r"(?m)^::: (\S+)$", page.read_text())]
    assert len(set(shown)) == len(shown)
    covered = Counter(
        module for module in modules() for name in shown if module == name or module.startswith(f"{name}.")
    )
    assert covered == Counter(modules())


def test_no_page_asks_for_anything_elsewhere() -> None:
    loaded = "|".join(
        (
            r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=\W?https?:",
            r"!\[[^\]]*\]\(https?:",
            r"@import",
            r"url\(\W?https?:",
        )
    )
    files = [*PAGES, *(DOCS / "assets").iterdir(), *(DOCS / "figures").iterdir()]
    assert not [file for file in files if re.search(loaded, text_of(file))]
