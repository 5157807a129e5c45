"""What mining is audited on: memories made of real files, and questions whose true entries are known.

MuSiQue. The entries are the sub-questions of every decomposition (2 to 4 hops) with ``#1`` replaced by the first
answer; half of them are no sentences but ``subject >> relation`` and stay so. Their passage is the supporting
paragraph. The truth of a two-hop question is its two sub-questions. NQ-open's and SQuAD's pairs can be put beside them.

HotpotQA comes without single-hop questions, so its entries are clozes of all paragraphs of every question: a sentence
with one span replaced by "what", headed by the paragraph's title where the sentence lacks it; the answer is the span.
Spans are one to three neighbouring names or numbers (``cloze_spans``); no question, answer or supporting fact is looked
at. Clozes are longer than questions, and an answer that is no such span is in no entry. The truth of a question is its
two supporting paragraphs; asked is only what has both among the paragraphs (in the file dev500 most have not).
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from qamat_core.memory_columns import MemoryColumns
from qamat_core.readers.nq_open import read_nq_open
from qamat_core.readers.squad import read_squad
from qamat_core.text import normalize_answer, normalize_question
from schemas.errors import ConfigError
from schemas.records import Annotation, QAExample

MUSIQUE: Final = ("musique/musique_dev_decomposition.json", "musique/musique_ans_train100.jsonl")
OTHER_PAIRS: Final = ("nq_open/NQ-open.train50k.jsonl", "squad/train-v1.1-part.json", "squad/dev-v1.1-rebuilt.json")
HOTPOTQA: Final = tuple(f"hotpotqa/hotpot_{part}_distractor.json" for part in ("dev500", "train100", "dev100"))

_NAME = r"""["\u201c]?[A-Z][\w'\u2019.-]*"?"""
_ATOM: Final = re.compile(rf"(?<!\w){_NAME}(?: {_NAME})*|(?<!\w)\d[\d,.]*(?!\w)")
_LINK: Final = re.compile(r",? (?:(?:of|the|and|for|in|de|von|van) ){0,2}")
_LONGEST: Final = 3
_OPENINGS: Final = frozenset(
    {"a", "after", "an", "as", "at", "before", "both", "during", "for", "from", "he", "her", "his", "in", "it", "its"}
    | {"on", "she", "since", "that", "the", "their", "there", "these", "they", "this", "to", "when", "while", "with"}
)
"""Words that open a sentence, in capitals, and are no part of a name."""


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """A question with the labels of the entries that may be its first and its final one."""

    question: str
    answers: tuple[str, ...]
    kind: str
    first: frozenset[str]
    final: frozenset[str]


@dataclass(frozen=True, slots=True)
class Audit:
    """A memory, a label for each of its entries, and the questions asked of it; a pair has two different labels."""

    memory: MemoryColumns
    labels: Sequence[str]
    questions: Sequence[AuditQuestion]


class _Entries:
    """Entries in the order in which they are added; one a question, answer and ``apart``."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], int] = {}
        self._columns: tuple[list[str], list[str], list[list[str]], list[str | None]] = ([], [], [], [])

    def add(self, question: str, answers: Sequence[str], passage: str | None, apart: str = "") -> str:
        """Add an entry unless it is there; return its id."""
        row = self._rows.setdefault((normalize_question(question), normalize_answer(answers[0]), apart), len(self))
        if row == len(self):
            for column, value in zip(self._columns, (question, answers[0], list(answers[1:]), passage), strict=True):
                column.append(value)  # pyright: ignore
        return f"{row:07d}"

    def __len__(self) -> int:
        return len(self._columns[0])

    def memory(self) -> MemoryColumns:
        return MemoryColumns([f"{row:07d}" for row in range(len(self))], *self._columns, [None] * len(self))


def musique(folder: Path, *, other_pairs: bool) -> Audit:
    """Make the audit on MuSiQue's two-hop questions, with or without NQ-open's and SQuAD's pairs as further entries."""
    entries, questions = _Entries(), []
    for record in (record for name in MUSIQUE for record in _records(folder / name)):
        hops = list(_add_hops(entries, record))
        if len(hops) == 2:
            answers = (record["answer"], *record["answer_aliases"])
            first, final = (frozenset({label}) for label in hops)
            questions.append(AuditQuestion(record["question"], answers, "two-hop", first, final))
    if other_pairs:
        _add_other_pairs(entries, folder)
    memory = entries.memory()
    return Audit(memory, memory.ids, questions)


def _add_hops(entries: _Entries, record: dict[str, Any]) -> Iterator[str]:
    answers: list[str] = []
    for hop in record["question_decomposition"]:
        asked = re.sub(r"#(\d)", lambda number: answers[int(number[1]) - 1], hop["question"])
        passage = hop.get("document_id") or record["paragraphs"][hop["paragraph_support_idx"]]["title"]
        answers.append(hop["answer"])
        yield entries.add(asked, [hop["answer"]], passage)


def _add_other_pairs(entries: _Entries, folder: Path) -> None:
    for name in OTHER_PAIRS:
        path = folder / name
        _present(path)
        for item in read_nq_open(path, "nq", "train") if path.suffix == ".jsonl" else read_squad(path):
            if isinstance(item, QAExample):
                entries.add(item.question, item.answers, None)
            elif isinstance(item, Annotation):
                entries.add(item.question, item.answers, item.passage_id)


def hotpotqa(folder: Path) -> Audit:
    """Make the audit on HotpotQA: kinds "bridge", "comparison" and "yes/no"."""
    records = {record["_id"]: record for name in HOTPOTQA for record in _records(folder / name)}
    paragraphs: dict[str, list[str]] = {}
    for record in records.values():
        for title, sentences in record["context"]:
            paragraphs.setdefault(title, sentences)
    entries = _Entries()
    for title, sentences in paragraphs.items():
        for question, answer in (cloze for sentence in sentences for cloze in clozes(title, sentence.strip())):
            entries.add(question, [answer], title, title)
    memory = entries.memory()
    passages = [passage or "" for passage in memory.passages]
    told = set(passages)
    asked = [question for question in map(_hotpot_question, records.values()) if question.final <= told]
    return Audit(memory, passages, asked)


def _hotpot_question(record: dict[str, Any]) -> AuditQuestion:
    titles = frozenset(fact[0] for fact in record["supporting_facts"])
    kind = "yes/no" if record["answer"] in {"yes", "no"} else record["type"]
    return AuditQuestion(record["question"], (record["answer"],), kind, titles, titles)


def clozes(title: str, sentence: str) -> Iterator[tuple[str, str]]:
    """Yield question and answer for every span of a sentence."""
    subject = re.sub(r" \(.*\)$", "", title)
    heading = "" if subject in sentence else f"{subject}: "
    for start, end in cloze_spans(sentence):
        yield f"{heading}{sentence[:start]}what{sentence[end:]}", sentence[start:end]


def cloze_spans(sentence: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of one to three names or numbers with nothing but a comma, of, the, and, for, in between."""
    atoms = list(_atoms(sentence))
    for place, (start, end) in enumerate(atoms):
        yield start, end
        for (_, before), (after, last) in zip(atoms[place:], atoms[place + 1 : place + _LONGEST], strict=False):
            if not _LINK.fullmatch(sentence, before, after):
                break
            yield start, last


def _atoms(sentence: str) -> Iterator[tuple[int, int]]:
    for match in _ATOM.finditer(sentence):
        start, text = match.start(), match.group()
        while " " in text and text.split(" ", 1)[0].lower() in _OPENINGS:
            text = text.split(" ", 1)[1]
            start = match.end() - len(text)
        text = text.rstrip(".,'\u2019-")
        if text.lower() not in _OPENINGS:
            yield start, start + len(text)


def _records(path: Path) -> list[dict[str, Any]]:
    _present(path)
    text = path.read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)


def _present(path: Path) -> None:
    if not path.is_file():
        raise ConfigError(f"benchmark: {path} is missing; set QAMAT_SHARED_DATA to the folder of real data")
