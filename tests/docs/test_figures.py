"""Every code name in a diagram exists, so that renaming it in the code breaks the diagram's test."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.docs.code_names import PROJECT, exists

FIGURES = sorted((PROJECT / "docs" / "figures").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


def parts(figure: Path) -> list[ElementTree.Element]:
    tree = ElementTree.parse(figure)
    return [one for tag in ("text", "tspan") for one in tree.iter(SVG + tag)]


def code(figure: Path) -> list[tuple[str, str]]:
    """Return what is shown in letters of code, and the whole name that stands behind it."""
    marked = [one for one in parts(figure) if "code" in one.get("class", "").split()]
    return [(one.text or "", one.get("data-name", "")) for one in marked]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.stem)
def test_its_code_names_exist(figure: Path) -> None:
    names = code(figure)
    assert names
    for shown, name in names:
        assert exists(name), f"{figure.name}: {name} is not in the code: name what took its place"
        assert f".{name}".lower().endswith(f".{shown}".lower()), f"{figure.name}: {shown} is not the end of {name}"


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.stem)
def test_what_looks_like_code_is_looked_up(figure: Path) -> None:
    plain = [one for one in parts(figure) if "code" not in one.get("class", "").split()]
    words = " ".join(text for one in plain for text in (one.text, *(inner.tail for inner in one)) if text)
    assert not re.findall(r"[A-Za-z]{3,}_\w+|\w{3,}\.[a-z]\w+|[a-z]+[A-Z][a-z]\w*", words)


def test_all_have_one_style() -> None:
    styles = {re.sub(r"(?s).*(<style>.*</defs>).*", r"\1", figure.read_text()) for figure in FIGURES}
    assert len(styles) == 1
    assert "prefers-color-scheme: dark" in styles.pop()


def test_the_page_shows_each() -> None:
    page = (PROJECT / "docs" / "figures.md").read_text()
    assert [figure.stem for figure in FIGURES] == [f"figure{number}" for number in (1, 2, 3, 4, 5, 6, 8)]
    assert re.findall(r"!\[[^\]]+\]\(figures/(\w+)\.svg\)", page) == [figure.stem for figure in FIGURES]


def test_a_name_that_is_gone_is_not_found() -> None:
    assert exists("qamat_core.qamat.reader.Reader.query")
    assert exists("schemas.tables.QA_PAIRS.question")
    for gone in ("qamat_core.qamat.reader.Reader.ask", "qamat_core.qamat.writer", "schemas.tables.QA_PAIRS.query"):
        assert not exists(gone)
