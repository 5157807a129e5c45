"""The synthetic world as values: facts, gold pairs and questions."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.records import Passage, QAExample
from schemas.world import Split


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact and where it is written: ``answer`` stands in the passage's text at ``start``."""

    fact_id: str
    subject: str
    relation: str
    answer: str
    passage_id: str
    start: int
    split: Split


@dataclass(frozen=True, slots=True)
class GoldPair:
    """The one right question-answer pair of a fact, asked by an annotation template: an entry of the gold memory."""

    fact_id: str
    question: str
    answer: str
    passage_id: str
    start: int


@dataclass(frozen=True, slots=True)
class TwoHop:
    """A two-hop question with its true intermediate facts: the first one's answer is the final one's subject."""

    example: QAExample
    first_fact: str
    final_fact: str


@dataclass(frozen=True)
class World:
    """A synthetic world. ``passages`` has one passage an entity, ``gold_pairs`` one pair a fact, in fact order."""

    passages: list[Passage]
    facts: list[Fact]
    gold_pairs: list[GoldPair]
    single_hop: Mapping[Split, list[QAExample]]
    chains: Mapping[Split, list[TwoHop]]
    fact_of: Mapping[str, str]
    """``example_id`` of every single-hop question -> ``fact_id`` of the fact it asks for."""

    def questions(self, split: Split) -> list[QAExample]:
        """Return the single-hop questions of the split's facts."""
        return self.single_hop[split]

    def two_hop(self, split: Split) -> list[TwoHop]:
        """Return the two-hop questions.

        Train: both facts are train facts. Dev: the final fact is a dev fact, the first one train or dev.
        Test: the final fact is a test fact, the first one train or test. Other chains are not asked.
        """
        return self.chains[split]
