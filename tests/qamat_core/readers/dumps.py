"""A small Wikipedia dump, as pages-articles are, for the tests of its reader and of everything that reads files."""

from xml.sax.saxutils import escape

HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>enwiki</dbname>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="1" case="first-letter">Talk</namespace>
      <namespace key="6" case="first-letter">Bild</namespace>
      <namespace key="14" case="first-letter">Kategorie</namespace>
    </namespaces>
  </siteinfo>
"""
TAIL = "</mediawiki>\n"

SEINE = """{{Infobox river
| name = Seine
| length = {{convert|777|km|mi}}
* a line that is no list
}}
[[File:Seine.jpg|thumb|The '''Seine''' at [[Paris]]<ref>Caption</ref>]] [[Bild:Pont.jpg]]
The '''''Seine''''' ({{IPAc-en|s|eI|n}}; {{lang|fr|la Seine}}) is a {{convert|777|km|mi|adj=on}} river&nbsp;in
[[France|northern ''France'']].<ref name="a">{{cite web|title=x}}</ref><ref name="b" /> It rises at
[[Source-Seine]], {{nowrap|30 km}} from [http://dijon.fr Dijon]<!-- a comment -->.

== Course ==
{| class="wikitable"
! Town !! Distance
|-
| [[Rouen]] || 120
|}
* [[Yonne (river)|Yonne]]
* [[Oise]]
It flows past Z\u00fcrich's \u6771\u4eac namesakes &ndash; none &amp; <small>all</small> of them.<br />Then the sea.
<math>x^2</math> __NOTOC__
== See also ==
* [[List of rivers]]
[[Category:Rivers]] [[Kategorie:Fluss]]
"""
SEINE_PROSE = (
    "The Seine (la Seine) is a 777 km river in northern France. It rises at Source-Seine, 30 km from Dijon. "
    "It flows past Z\u00fcrich's \u6771\u4eac namesakes \u2013 none & all of them. Then the sea."
)
LONG = " ".join(f"Sentence {n} tells of the [[town {n}]]." for n in range(45))
LONG_PROSE = " ".join(f"Sentence {n} tells of the town {n}." for n in range(45))


def page(page_id: object, title: str, text: str, *, namespace: object = 0, redirect: str = "") -> str:
    """Return one page with one revision."""
    target = f'<redirect title="{redirect}" />' if redirect else ""
    return (
        f"  <page>\n    <title>{escape(title)}</title>\n    <ns>{namespace}</ns>\n    <id>{page_id}</id>{target}\n"
        "    <revision>\n      <id>900</id>\n      <timestamp>2020-01-01T00:00:00Z</timestamp>\n"
        "      <contributor><username>Ann</username><id>4</id></contributor>\n      <minor />\n"
        "      <comment>c</comment>\n      <model>wikitext</model>\n      <format>text/x-wiki</format>\n"
        f'      <text bytes="{len(text)}" xml:space="preserve">{escape(text)}</text>\n      <sha1>x</sha1>\n'
        "    </revision>\n  </page>\n"
    )


def dump(*pages: str) -> bytes:
    """Return a whole dump of pages."""
    return (HEAD + "".join(pages) + TAIL).encode()
