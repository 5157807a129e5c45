"""Wikipedia's XML dumps (pages-articles): articles as passages of 100 words, streamed page by page.

A passage's source id is ``page id:offset``, the character of the article's plain text at which it begins. A page that
is no article, a redirect, a disambiguation page (left out as in DPR's passages) or without prose is a reject that is
expected; a malformed page is a reject, and XML that breaks off a ``BadFileError``. A reject's source is ``name:title``.
"""

import re
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import contextmanager
from typing import IO, Final
from xml.etree.ElementTree import ParseError

from mwxml import Page
from mwxml.element_iterator import ElementIterator
from mwxml.errors import MalformedXML
from mwxml.iteration.site_info import SiteInfo

from qamat_core.readers.blocks import passages_of
from qamat_core.readers.fields import as_text, as_utf8
from qamat_core.readers.lines import BadFileError, BadRecordError, Distinct, reject
from qamat_core.readers.wikitext import MEDIA, plain_text, template_names
from schemas.records import Passage, Reject

NOT_AN_ARTICLE: Final = "no article: the page is in another namespace"
REDIRECT: Final = "no article: the page is a redirect"
DISAMBIGUATION: Final = "no article: the page is a disambiguation"
NO_PROSE: Final = "no prose: the article is all tables, lists or templates"
EXPECTED: Final = frozenset({NOT_AN_ARTICLE, REDIRECT, DISAMBIGUATION, NO_PROSE})
"""Reasons that are no fault of a dump."""

MAX_PAGE_BYTES: Final = 1 << 26
"""More than one page is never held; a page with all its revisions may be larger and is refused with its file."""
MAX_TEXT_CHARACTERS: Final = 1 << 21
"""MediaWiki's own bound on an article is 2 MiB."""

_MEDIA_IDS: Final = frozenset({-2, 6, 14})
_REDIRECT_TEXT: Final = re.compile(r"\s*#redirect", re.IGNORECASE)
_DISAMBIGUATIONS: Final = ("disambig", "dab", "hndis", "geodis", "hospitaldis", "schooldis", "mathdab", "numberdis")


def read_wikipedia(
    stream: IO[bytes], name: str, source: str = "wikipedia", *, max_page_bytes: int = MAX_PAGE_BYTES
) -> Iterator[Passage | Reject]:
    """Read the articles in file order.

    Raises ``BadFileError`` for what is no MediaWiki XML, is cut off, or holds a page larger than ``max_page_bytes``.
    """
    pages = _BoundedPages(stream, name, max_page_bytes)
    try:
        root = ElementIterator.from_file(pages)
        if root.tag != "mediawiki":
            raise BadFileError(name, f"no Wikipedia dump (it begins with <{root.tag[:80]}>): give pages-articles.xml")
        yield from _read_elements(root, name, source, pages.begin)
        for _ in root.pointer.etree_events:  # to the end: junk there is damage too
            pass
    except (ParseError, LookupError, UnicodeError) as error:
        reason = str(error).partition(": b'")[0]
        raise BadFileError(name, f"the XML is cut off or damaged ({reason[:200]}): fetch the file again") from error


class _BoundedPages:
    """A stream for the parser that gives at most so many bytes between two pages."""

    def __init__(self, stream: IO[bytes], name: str, limit: int) -> None:
        self._stream, self._name, self._limit = stream, name, limit
        self._given = 0

    def begin(self) -> None:
        """Begin another page."""
        self._given = 0

    def read(self, size: int) -> bytes:
        """Read as a file does."""
        data = self._stream.read(size)
        self._given += len(data)
        if self._given > self._limit:
            raise BadFileError(self._name, f"a page is larger than {self._limit} bytes: give a dump without history")
        return data


def _read_elements(
    root: ElementIterator, name: str, source: str, begin: Callable[[], None]
) -> Iterator[Passage | Reject]:
    media, ids = MEDIA, Distinct()
    for number, element in enumerate(root):
        title = f"element {number}"
        try:
            if element.tag == "siteinfo":
                media = MEDIA | _media(element)
                continue
            page, text = _page(element)
            title = page.title or title
            yield from _passages(page, text, source, media, ids)
        except BadRecordError as error:
            yield reject(f"{name}:{title}", title, str(error))
        root.element.clear()  # the parser's tree would keep every page
        begin()


@contextmanager
def _well_formed() -> Generator[None]:
    """Turn what mwxml raises for an element that is not as it should be into a ``BadRecordError``."""
    try:
        yield
    except MalformedXML as error:
        raise BadRecordError(f"malformed page: {error}") from error
    except (ValueError, TypeError, AttributeError, KeyError, AssertionError) as error:
        raise BadRecordError(
            "malformed page: an element is missing, empty or no number where it is to be one"
        ) from error


def _media(element: ElementIterator) -> frozenset[str]:
    """Return the wiki's own names of the namespaces whose links show nothing, in lower case."""
    with _well_formed():
        spaces = SiteInfo.from_element(element).namespaces or []
    return frozenset(space.name.lower() for space in spaces if space.id in _MEDIA_IDS and space.name)


def _page(element: ElementIterator) -> tuple[Page, str]:
    """Return a page and the wikitext of its last revision; the text is passed over where the page is no article."""
    if element.tag != "page":
        raise BadRecordError(f"no page but <{element.tag[:80]}>")
    text: str | None = None
    with _well_formed():
        page = Page.from_element(element)
        if page.namespace == 0 and page.redirect is None:
            for revision in page:
                text = revision.text
    return page, text or ""


def _passages(page: Page, text: str, source: str, media: Collection[str], ids: Distinct) -> Iterator[Passage]:
    """Give the passages of an article; raises ``BadRecordError`` with the reason for any other page."""
    if page.id is None:
        raise BadRecordError("malformed page: no id")
    ids.check(str(page.id))
    if page.namespace != 0:
        raise BadRecordError(NOT_AN_ARTICLE)
    title = as_text(page.title, "the title")
    if page.redirect is not None or _REDIRECT_TEXT.match(text):
        raise BadRecordError(REDIRECT)
    if not text.strip():
        raise BadRecordError("the page has no text")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise BadRecordError(f"the text is longer than {MAX_TEXT_CHARACTERS} characters")
    if title.endswith("(disambiguation)") or any(map(_is_disambiguation, template_names(text))):
        raise BadRecordError(DISAMBIGUATION)
    prose = as_utf8(plain_text(text, media), "the text")
    if not prose:
        raise BadRecordError(NO_PROSE)
    yield from passages_of(source, str(page.id), title, prose)


def _is_disambiguation(template: str) -> bool:
    return template.startswith(_DISAMBIGUATIONS[0]) or template in _DISAMBIGUATIONS
