"""Wikitext to prose: what is shown to a reader as sentences stays, everything else goes."""

import mwparserfromhell
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qamat_core.readers.lines import BadRecordError
from qamat_core.readers.wikitext import MEDIA, plain_text
from tests.qamat_core.readers.dumps import SEINE, SEINE_PROSE

PIECES = [
    "[[a|b]]",
    "[[File:x|",
    "]]",
    "{{t|",
    "}}",
    "'''",
    "<ref>",
    "</ref>",
    "\n* ",
    "{|\n|",
    "|}",
    "&amp;",
    "==",
    "word",
]


@pytest.mark.parametrize(
    ("wikitext", "prose"),
    [
        ("", ""),
        ("A [[b]] and [[c|d]] and [[:Category:E]].", "A b and d and Category:E."),
        ("[[File:x.jpg|thumb|a [[b|c]] d]]Text", "Text"),
        ("A ({{IPA|x}}) b ({{IPA|x}}, c) d ( ) .", "A b (c) d."),
        ("{{convert|5|to|10|km|mi}}, {{cvt|1,200|m}}, {{convert|3|-|4|ft}}", "5 to 10 km, 1,200 m, 3 - 4 ft"),
        ("{{transl|ja|T\u014dky\u014d}} {{abbr|cm|centimetre}} {{unknown|gone}}{{lang}}", "T\u014dky\u014d cm"),
        ("One.\n; term : meaning\n: indented\n# item\nTwo.", "One. Two."),
        ("a<br>b <nowiki>[[c]]</nowiki> <div>d <span>e</span></div>", "a b [[c]] d e"),
        ("a<ref name=x>b {{c}}</ref> d<ref name=x/>.", "a d."),
        ("'''bold''' ''it'' '''''both'''''", "bold it both"),
        ("x &#8211; y &lt;z&gt; &alpha;", "x \u2013 y <z> \u03b1"),
        ("a\x00b", "ab"),
        ("{| class=x\n| never closed\n| b", ""),
    ],
)
def test_prose(wikitext: str, prose: str) -> None:
    assert plain_text(wikitext) == prose


def test_an_article_with_a_wikis_own_names_of_namespaces() -> None:
    assert plain_text(SEINE, MEDIA | {"bild", "kategorie"}) == SEINE_PROSE


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=25).map("".join))
def test_any_markup_gives_one_line_or_a_reason(wikitext: str) -> None:
    try:
        prose = plain_text(wikitext)
    except BadRecordError:
        return
    assert prose == " ".join(prose.split())
    assert plain_text(wikitext) == prose


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["Rome", "is", "''old''", "[[city|town]]", "'''big'''", "[[Paris]]"]), min_size=1))
def test_prose_is_what_the_parsers_own_strip_gives_where_there_is_only_prose(words: list[str]) -> None:
    wikitext = " ".join(words)
    assert plain_text(wikitext) == " ".join(mwparserfromhell.parse(wikitext).strip_code().split())
