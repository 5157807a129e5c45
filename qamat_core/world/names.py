"""Names built of syllables, so that a name of a held-out fact was never seen and must be copied (synthetic).

Every kind of name has endings of its own; every invented word is used for one entity of one world only.
"""

import random
from types import MappingProxyType
from typing import Final

_ONSETS: Final = (*"bdfghklmnprstvz", "br", "dr", "kr", "tr", "sk")
_VOWELS: Final = tuple("aeiou")
_CODAS: Final = ("l", "n", "r", "s", "")
_TRIES_BEFORE_LONGER: Final = 8

ENDINGS: Final = MappingProxyType(
    {
        "given": ("elo", "ena", "iko", "uri", "anni", "eth", "udo", "esk"),
        "surname": ("kin", "senn", "dahl", "rik", "mond", "vic", "zik", "tam", "bek", "nov", "gard", "lund"),
        "city": ("holm", "stad", "grad", "wick", "bray", "mere", "dorf", "polis"),
        "country": ("ia", "onia", "istan", "ova", "esh", "ara"),
        "company": ("vex", "tron", "dex", "zon", "plex", "max"),
        "book": ("mol", "dral", "quen", "shar", "thul", "gorn"),
        "river": ("une", "ava", "elle", "ino", "osk", "ira"),
        "currency": ("uk", "eko", "imo", "azo", "odu", "yr"),
    }
)
"""Kind of word -> its endings."""

COMPANY_FORMS: Final = ("Works", "Group", "Mills", "Motors", "Foods", "Labs")
BOOK_ADJECTIVES: Final = ("Silent", "Last", "Golden", "Broken", "Hidden", "Long", "Bitter", "Distant")


class Namer:
    """Draws invented words that no name handed out before has, in this world or in those sharing ``taken``."""

    def __init__(self, rng: random.Random, taken: set[str]):
        self._rng = rng
        self._taken = taken

    def word(self, kind: str) -> str:
        """Draw one unused lower-case word of a kind of ``ENDINGS``; the words get longer where short ones run out."""
        tries = 0
        while True:
            syllables = 1 + tries // _TRIES_BEFORE_LONGER
            drawn = self._draw(syllables, self._rng.choice(ENDINGS[kind]))
            if drawn not in self._taken:
                self._taken.add(drawn)
                return drawn
            tries += 1

    def words(self, kind: str, count: int) -> list[str]:
        """Draw ``count`` unused words with a capital."""
        return [self.word(kind).capitalize() for _ in range(count)]

    def persons(self, count: int) -> list[str]:
        """Draw full names: given names are shared by about six persons, surnames are each one person's."""
        given = self.words("given", count // 6 + 1)
        return [f"{self._rng.choice(given)} {surname}" for surname in self.words("surname", count)]

    def companies(self, count: int) -> list[str]:
        """Draw company names, such as "Dorvex Works"."""
        return [f"{word} {self._rng.choice(COMPANY_FORMS)}" for word in self.words("company", count)]

    def books(self, count: int) -> list[str]:
        """Draw book titles, such as "The Silent Kermol"."""
        return [f"The {self._rng.choice(BOOK_ADJECTIVES)} {word}" for word in self.words("book", count)]

    def _draw(self, syllables: int, ending: str) -> str:
        parts = ["".join(self._rng.choice(part) for part in (_ONSETS, _VOWELS, _CODAS)) for _ in range(syllables)]
        hiatus = parts[-1][-1] in _VOWELS and ending[0] in _VOWELS
        return "".join(parts) + (self._rng.choice(_CODAS[:-1]) if hiatus else "") + ending
