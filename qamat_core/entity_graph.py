"""Question-answer pairs as a graph of entities (Appendix A): a question leads from the entity it names to its answer.

The paper says what a link is and not how the entity is found in a question. Here it is, in this order: one that the
graph has grown to, the title of the passage that the pair came from, the longest phrase that is an answer elsewhere in
the memory, phrases with a capital first. An entity is known by its spelling, whatever the case.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from typing import Final

from qamat_core.scanned_rows import ScannedRows

HOPS: Final = 2
"""From where the graph begins."""
_WORDS: Final = 6
"""Of the longest phrase that is looked for."""
_MOST_FROM: Final = 12
"""Entities of a hop from which the next one is looked for."""
_MOST_READ: Final = 400
"""Entries of a hop that are looked at; the others are counted."""
_WORD: Final = re.compile(r"\w+")
_FUNCTION_WORDS: Final = (
    "a an and at by for from in it its of on or that the this to with are be can did do does had has have is was were "
    "he her his she their they how what when where which who whom whose why"
)
_NOT_NAMES: Final = frozenset(_FUNCTION_WORDS.split())


@dataclass(frozen=True)
class Drawn:
    """An entry of the graph by its row; ``head`` is None where its question names no entity."""

    row: int
    head: str | None
    tail: str


@dataclass
class Drawing:
    """A graph that grows; ``title`` gives the title of a row's passage, or None."""

    pairs: ScannedRows
    title: Callable[[int], str | None]
    most: int
    drawn: dict[int, Drawn] = field(default_factory=dict[int, Drawn])
    spelt: dict[str, str] = field(default_factory=dict[str, str])
    """Key of an entity -> as it is shown."""
    left_out: int = 0

    def begin(self, rows: Iterable[int]) -> list[str]:
        """Draw entries; return the keys of their entities."""
        found = list(rows)
        self.left_out += max(0, len(found) - self.most)
        return self._draw(found[: self.most], ())

    def grow(self, keys: Sequence[str], hops: int) -> None:
        """Draw the entries that name these entities in their questions or answers, and so on."""
        for _ in range(hops):
            near = keys[:_MOST_FROM]
            rows = [row for row in self._naming(near) if row not in self.drawn]
            room = self.most - len(self.drawn)
            self.left_out += max(0, len(rows) - room)
            keys = self._draw(rows[:room], near)
            if not keys or len(rows) >= room:
                return

    def _draw(self, rows: Sequence[int], near: Collection[str]) -> list[str]:
        """Draw rows; return the keys of the entities that are new."""
        before = set(self.spelt)
        tails = {row: str(self.pairs.get(row)["answer"]).strip() for row in rows}
        for tail in tails.values():
            self.spelt.setdefault(key_of(tail), tail)
        heads = self._heads(rows, near)
        for row in rows:
            head = heads.get(row)
            if head is not None:
                self.spelt.setdefault(key_of(head), head)
            shown = None if head is None else self.spelt[key_of(head)]
            self.drawn[row] = Drawn(row, shown, self.spelt[key_of(tails[row])])
        return [key for key in self.spelt if key and key not in before]

    def _naming(self, keys: Sequence[str]) -> list[int]:
        """Return rows that name one of these, a row of each in turn, so that a frequent one leaves room for others."""
        answers, questions = self.pairs.equal("answer", keys), self.pairs.saying("question", keys)
        self.left_out += sum(max(0, len(rows) - _MOST_READ) for rows in (answers, questions))
        of_key: dict[tuple[str, bool], list[int]] = {(key, said): [] for key in keys for said in (True, False)}
        for row in questions[:_MOST_READ]:
            asked = key_of(self.pairs.get(row)["question"])
            for key in keys:
                if re.search(rf"(?<!\w){re.escape(key)}(?!\w)", asked):
                    of_key[key, True].append(row)
        for row in answers[:_MOST_READ]:
            if (key := key_of(self.pairs.get(row)["answer"])) in keys:
                of_key[key, False].append(row)
        in_turn = chain.from_iterable(zip_longest(*of_key.values()))
        return list(dict.fromkeys(row for row in in_turn if row is not None))

    def _heads(self, rows: Sequence[int], near: Collection[str]) -> dict[int, str]:
        """Return the entity that each row's question names."""
        phrases = {row: _phrases(self.pairs.get(row)["question"]) for row in rows}
        answered = self._answers({key for found in phrases.values() for key in found})
        return {row: head for row in rows if (head := self._head(row, phrases[row], near, answered))}

    def _head(
        self, row: int, phrases: Mapping[str, str], near: Collection[str], answered: Mapping[str, str]
    ) -> str | None:
        own = key_of(self.pairs.get(row)["answer"])
        title = key_of(re.sub(r"\s*\([^()]*\)$", "", self.title(row) or ""))
        if said := [key for key in near if key in phrases and key != own]:
            return answered.get(best := max(said, key=len), phrases[best])
        if title in phrases and title != own:
            return answered.get(title, phrases[title])
        known = [key for key in answered if key in phrases and key != own]
        best = max(known, key=lambda key: (not phrases[key][0].islower(), len(key), key), default=None)
        return None if best is None else answered[best]

    def _answers(self, keys: Collection[str]) -> dict[str, str]:
        """Return those of the keys that are answers of the memory, as they are spelt there."""
        rows = self.pairs.equal("answer", keys)
        spelt: dict[str, str] = {}
        for row in rows[: _MOST_READ * 10]:
            answer = str(self.pairs.get(row)["answer"]).strip()
            spelt.setdefault(key_of(answer), answer)
        return spelt


def key_of(name: str) -> str:
    """Return what two spellings of an entity share."""
    return " ".join(name.lower().split())


def _phrases(question: str) -> dict[str, str]:
    """Return the key of every run of words that may be a name, and how it is written."""
    words = list(_WORD.finditer(question))
    runs: Iterator[str] = (
        question[first.start() : last.end()]
        for place, first in enumerate(words)
        for last in words[place : place + _WORDS]
    )
    return {key_of(run): run for run in runs if _may_be_a_name(run)}


def _may_be_a_name(run: str) -> bool:
    words = _WORD.findall(run.lower())
    return len(run) > 1 and any(letter.isalpha() for letter in run) and not _NOT_NAMES.issuperset(words)
