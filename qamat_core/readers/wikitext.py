"""Wikitext to prose, as DPR's passages were made: no tables, infoboxes and lists (Karpukhin et al. 2020, section 4.1).

Section headings are left out too: they are no sentences, and a block of 100 words may begin anywhere between them.
Templates are not expanded; of those that only dress a phrase or a quantity, the words are kept.
"""

import re
from collections.abc import Collection, Iterator
from itertools import takewhile
from typing import Final

import mwparserfromhell
from mwparserfromhell.nodes import ExternalLink, HTMLEntity, Node, Tag, Template, Text, Wikilink
from mwparserfromhell.parser import ParserError
from mwparserfromhell.wikicode import Wikicode

from qamat_core.readers.lines import BadRecordError

MEDIA: Final = frozenset({"file", "image", "media", "category"})
"""Namespaces, in lower case, whose links show nothing in the text."""

MAX_UNCLOSED: Final = 2000
"""The parser's time grows with the square of what is opened and not closed; so many openings cost up to a second."""

_LIST_ITEM: Final = "\x00"
_LIST_TAGS: Final = frozenset({"li", "dd", "dt"})
_STRUCTURES: Final = frozenset({"ref", "references", "table", "ul", "ol", "dl", "hr", "gallery", "imagemap", "section"})
_FORMULAS: Final = frozenset({"math", "chem", "ce", "score", "hiero", "timeline", "graph", "mapframe", "maplink"})
_CODE: Final = frozenset({"syntaxhighlight", "source", "pre", "style", "script", "templatestyles", "includeonly"})
_NO_PROSE: Final = _STRUCTURES | _FORMULAS | _CODE
_LAST_WORDS: Final = frozenset({"lang", "transl", "transliteration"})
_FIRST_WORDS: Final = frozenset({"nowrap", "nobr", "small", "big", "em", "strong", "abbr", "nobold", "smallcaps"})
_QUANTITIES: Final = frozenset({"convert", "cvt"})
_JOINERS: Final = frozenset({"to", "-", "\u2013", "and", "or", "by", "x", "\u00d7", "+/-"})
_NUMBER: Final = re.compile(r"[-+\u2212]?[\d.,/]+")
_OPENINGS: Final = (("[[", "]]"), ("{{", "}}"), ("{|", "|}"), ("[", "]"), ("<", ">"))
_TAG: Final = re.compile(r"<(/?)\w[^<>]*?(/?)>")

_SWITCH: Final = re.compile(r"__[A-Z]+__")
_EMPTY_BRACKETS: Final = re.compile(r"\(\s*[,;:]*\s*\)")
_BARE_START: Final = re.compile(r"\(\s*[,;:]+\s*")
_SPACE_BEFORE: Final = re.compile(r"[ \t\xa0]+([,.;:)])")
_LEFT_OVER: Final = (_LIST_ITEM, "|", "{|", "!")


def plain_text(wikitext: str, media: Collection[str] = MEDIA) -> str:
    """Return the prose of an article with single spaces between its words; "" where it has none.

    ``media`` are the namespaces of links that show nothing, in lower case. Raises ``BadRecordError`` for markup that
    the parser gives up.
    """
    try:
        marked = _words(_parse(wikitext), media)
    except (ParserError, RecursionError) as error:
        raise BadRecordError(f"the markup cannot be parsed: {error}") from error
    lines = (line.strip() for line in _SWITCH.sub("", marked).split("\n"))
    prose = " ".join(line for line in lines if not line.startswith(_LEFT_OVER)).replace(_LIST_ITEM, "")
    for pattern, kept in ((_EMPTY_BRACKETS, ""), (_BARE_START, "("), (_SPACE_BEFORE, r"\1")):
        prose = pattern.sub(kept, prose)
    return " ".join(prose.split())


def template_names(wikitext: str) -> Iterator[str]:
    """Give the names, in lower case, of what looks like templates, without a parse."""
    return (match.group(1).strip().lower() for match in re.finditer(r"\{\{([^{}|\n]{1,80})", wikitext))


def _parse(wikitext: str) -> Wikicode:
    for opening, closing in _OPENINGS:
        if wikitext.count(opening) - wikitext.count(closing) > MAX_UNCLOSED:
            raise BadRecordError(f'the markup opens "{opening}" more than {MAX_UNCLOSED} times without closing it')
    opened = sum(-1 if tag[1] else not tag[2] for tag in _TAG.finditer(wikitext))
    if opened > MAX_UNCLOSED:
        raise BadRecordError(f"the markup opens more than {MAX_UNCLOSED} tags without closing them")
    return mwparserfromhell.parse(wikitext.replace(_LIST_ITEM, ""))


def _words(code: Wikicode | None, media: Collection[str]) -> str:
    return "" if code is None else "".join(_shown(node, media) for node in code.nodes)


def _shown(node: Node, media: Collection[str]) -> str:
    """Return what a reader sees of a node; headings, comments and arguments show nothing."""
    shown = ""
    match node:
        case Text():
            shown = node.value
        case HTMLEntity():
            shown = str(node.normalize())
        case Wikilink():
            shown = _link(node, media)
        case ExternalLink():
            shown = _words(node.title, media)
        case Tag():
            shown = _tag(node, media)
        case Template():
            shown = _template(node, media)
        case _:
            pass
    return shown


def _link(link: Wikilink, media: Collection[str]) -> str:
    title = str(link.title).strip()
    prefix, colon, _ = title.partition(":")
    if colon and prefix.strip().lower() in media:
        return ""
    return title.lstrip(":") if link.text is None else _words(link.text, media)


def _tag(tag: Tag, media: Collection[str]) -> str:
    name = str(tag.tag).strip().lower()
    if name in _LIST_TAGS:
        return _LIST_ITEM
    if name == "br":
        return " "
    return "" if name in _NO_PROSE else _words(tag.contents, media)


def _template(template: Template, media: Collection[str]) -> str:
    name = str(template.name).strip().lower()
    values = [_words(param.value, media).strip() for param in template.params if not param.showkey]
    if not values:
        return ""
    if name in _LAST_WORDS:
        return values[-1]
    if name in _FIRST_WORDS:
        return values[0]
    return _quantity(values) if name in _QUANTITIES else ""


def _quantity(values: list[str]) -> str:
    """Return the number or range and its unit: "5", "to", "10", "km", "mi" -> "5 to 10 km"."""
    numbers = list(takewhile(lambda value: _NUMBER.fullmatch(value) or value in _JOINERS, values))
    return " ".join(values[: len(numbers) + 1])
