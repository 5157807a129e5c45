"""Wikipedia dumps: articles become blocks of 100 words with title and place; everything else is a reject."""

import bz2
import gzip
import io
import tracemalloc
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from qamat_core.readers import wikipedia
from qamat_core.readers.accounting import read_all
from qamat_core.readers.formats import open_passages
from qamat_core.readers.wikipedia import read_wikipedia
from schemas.errors import InputError
from schemas.records import Passage, Reject
from tests.qamat_core.readers.dumps import HEAD, LONG, LONG_PROSE, SEINE, SEINE_PROSE, TAIL, dump, page

PAGES = (
    page(1, "Seine", SEINE),
    page(2, "Sequana", "#REDIRECT [[Seine]]", redirect="Seine"),
    page(3, "Talk:Seine", "Is it long?", namespace=1),
    page(4, "Towns", LONG),
    page(5, "Mercury", "'''Mercury''' may be:\n* a god\n{{disambiguation}}"),
    page(6, "Old redirect", "#redirect [[Seine]]"),
    page(7, "Tables", "{|\n| a\n|}\n* item\n{{Infobox}}"),
)


def read(content: bytes, **options: int) -> list[Passage | Reject]:
    return list(read_wikipedia(io.BytesIO(content), "w.xml", **options))


def test_articles_become_blocks_and_the_rest_expected_rejects() -> None:
    result = read_all(iter(read(dump(*PAGES))), "w.xml")
    assert [(item.source, item.reason) for item in result.rejects] == [
        ("w.xml:Sequana", wikipedia.REDIRECT),
        ("w.xml:Talk:Seine", wikipedia.NOT_AN_ARTICLE),
        ("w.xml:Mercury", wikipedia.DISAMBIGUATION),
        ("w.xml:Old redirect", wikipedia.REDIRECT),
        ("w.xml:Tables", wikipedia.NO_PROSE),
    ]
    assert result.records[0] == Passage.of("wikipedia", "1:0", "Seine", SEINE_PROSE)
    towns = result.records[1:]
    assert {passage.title for passage in towns} == {"Towns"}
    assert [len(passage.text.split()) for passage in towns] == [100, 100, 100, 15]
    assert " ".join(passage.text for passage in towns) == LONG_PROSE
    for passage in towns:
        offset = int(passage.source_id.removeprefix("4:"))
        assert LONG_PROSE.startswith(passage.text, offset)


@pytest.mark.parametrize("ending", ["", ".gz", ".bz2"])
@pytest.mark.parametrize("name", ["w.xml", "dump"])
def test_dumps_are_known_by_name_or_head_packed_or_not(tmp_path: Path, name: str, ending: str) -> None:
    pack = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}[ending]
    path = tmp_path / (name + ending)
    path.write_bytes(pack(dump(*PAGES)))
    passages = [item for item in open_passages(path) if isinstance(item, Passage)]
    assert [passage.source_id.split(":")[0] for passage in passages] == ["1", "4", "4", "4", "4"]


def test_several_streams_of_bz2_are_one_dump(tmp_path: Path) -> None:
    path = tmp_path / "pages-articles-multistream.xml.bz2"
    path.write_bytes(b"".join(map(bz2.compress, [HEAD.encode(), *[item.encode() for item in PAGES], TAIL.encode()])))
    assert list(open_passages(path)) == [
        item if isinstance(item, Passage) else Reject(item.source.replace("w.xml", path.name), item.record, item.reason)
        for item in read(dump(*PAGES))
    ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("<page/>", "malformed page"),
        ("<page><title>A</title><id>x</id></page>", "malformed page"),
        ("<page><title>A</title><ns>0</ns><id>9</id><odd/></page>", "Unexpected tag found"),
        (page(9, "A", "x").replace("<id>900</id>", "<odd/>"), "Unexpected tag found"),
        (page(9, "A", "x").replace("<id>9</id>", ""), "malformed page: no id"),
        (page(9, " ", "x"), "the title is"),
        (page(9, "A", ""), "the page has no text"),
        (page(9, "A", "x" * ((1 << 21) + 1)), "the text is longer than 2097152 characters"),
        (page(9, "A", "a &#xD800; b"), "the text holds a lone surrogate"),
        (page(9, "A", "[[a|" * 3000), 'opens "[[" more than 2000 times'),
        (page(9, "A", "<ref>" * 3000), "opens more than 2000 tags"),
        (page(1, "A", "x"), "duplicate id 1"),
        ("<logitem/>", "no page but <logitem>"),
    ],
)
def test_a_bad_page_is_one_reject_and_the_next_is_read(bad: str, reason: str) -> None:
    first, found, last = read(dump(page(1, "One", "First."), bad, page(2, "Two", "Last.")))
    assert [item.text for item in (first, last) if isinstance(item, Passage)] == ["First.", "Last."]
    assert isinstance(found, Reject)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cut off or damaged"),
        (b"<html></html>", "no Wikipedia dump .it begins with <html>"),
        (dump(*PAGES)[:-20], "cut off or damaged"),
        (dump(*PAGES) + b"junk", "cut off or damaged"),
        (dump(*PAGES).replace(b"Sentence 3", b"\xff\xfe"), "cut off or damaged"),
        (dump(page(1, "A", "x").replace("</title>", "</titel>")), "cut off or damaged"),
        (b'<?xml version="1.0" encoding="nonsense"?><mediawiki/>', "cut off or damaged"),
    ],
)
def test_damaged_xml_is_one_clear_error(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(content)
    assert str(caught.value).startswith("w.xml: ")
    assert "\n" not in str(caught.value)


def test_entities_that_multiply_are_refused() -> None:
    names = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)]
    head = f'<!DOCTYPE m [<!ENTITY e0 "ha">{"".join(names)}]>'
    with pytest.raises(InputError, match="amplification"):
        read((head + HEAD + "<page><title>&e9;</title></page>" + TAIL).encode())


def test_a_page_without_end_is_not_held() -> None:
    content = dump(page(1, "A", "x" * 3_000_000))
    with pytest.raises(InputError, match="a page is larger than 1000000 bytes: give a dump without history"):
        read(content, max_page_bytes=1_000_000)


class _Stream(io.RawIOBase):
    """A dump that is made while it is read."""

    def __init__(self, pages: int) -> None:
        middle = (page(n, f"Town {n}", LONG).encode() for n in range(pages))
        self._parts: Iterator[bytes] = chain([HEAD.encode()], middle, [TAIL.encode()])
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        self._left = self._left or next(self._parts, b"")
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count


def _peak(pages: int) -> int:
    tracemalloc.start()
    count = sum(1 for _ in read_wikipedia(io.BufferedReader(_Stream(pages)), "w.xml"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 4 * pages
    return peak


def test_memory_does_not_grow_with_the_number_of_pages() -> None:
    _peak(2)
    many, few = (
        min(_peak(pages) for _ in range(3)) for pages in (120, 30)
    )  # whatever else runs in this process allocates too
    assert many < few + 90 * 1000  # ids of pages are held, pages (2 KB each and their trees) are not
