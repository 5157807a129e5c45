"""How right the mined hops are on real files, against the two entries that BM25 finds nearest.

The peer takes as final entry the one with a gold answer that BM25 ranks highest for the question (for yes and no, which
no entry answers, the highest at all), as first entry the next highest from another passage. Rows are percentages over
the same questions: precision of those for which a pair was found, recall of all; a peer with no right one counts in
the ratio as if it had one. The note gives our 95 % interval, by resampling questions. The miner's rules were chosen on
the questions of even number; only those of odd number are reported.

HotpotQA's truth is a paragraph: any entry of the right one counts, also one whose answer leads nowhere. That favours
the peer, whose first entry need not be linked to the final one.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from qamat_core.bm25 import BM25
from qamat_core.evaluation.bootstrap import mean_interval
from qamat_core.memory_columns import MemoryColumns
from qamat_core.multihop import HopMiner
from qamat_core.text import normalize_answer
from schemas.corpus import MultihopConfig
from tests.benchmarks.measure import Row, require
from tests.benchmarks.multihop_audit import HOTPOTQA, MUSIQUE, OTHER_PAIRS, Audit, AuditQuestion, hotpotqa, musique

PEER: Final = "BM25 nearest entries"
_QUICK: Final = 100
_SOURCES = Path(__file__).parents[2]

Pair = tuple[int | None, int]
Miner = Callable[[str, Sequence[str]], Pair | None]


class Verdict(NamedTuple):
    """What became of one question."""

    pair: bool
    first: bool
    final: bool

    @property
    def both(self) -> bool:
        """Whether the question's chain was mined."""
        return self.first and self.final


HOPS: Final = {"first": "the first hop", "final": "the final hop", "both": "both hops together"}


def run(*, quick: bool) -> list[Row]:
    """Audit on MuSiQue, alone and among NQ-open's and SQuAD's pairs, and on HotpotQA; ``quick``: 100 questions each."""
    folder = Path(os.environ.get("QAMAT_SHARED_DATA", _SOURCES / ".." / "shared" / "data")).resolve()
    audits = {
        "MuSiQue": (musique(folder, other_pairs=False), MUSIQUE),
        "MuSiQue + NQ + SQuAD": (musique(folder, other_pairs=True), (*MUSIQUE, *OTHER_PAIRS)),
        "HotpotQA": (hotpotqa(folder), HOTPOTQA),
    }
    return [
        row
        for name, (audit, files) in audits.items()
        for row in rows(name, audit, held_out(audit)[: _QUICK if quick else None], _versions(folder, files))
    ]


def held_out(audit: Audit) -> Sequence[AuditQuestion]:
    """Return the questions of odd number: the rules were chosen on the others."""
    return audit.questions[1::2]


def rows(name: str, audit: Audit, questions: Sequence[AuditQuestion], versions: Mapping[str, str]) -> Iterator[Row]:
    """Yield precision and recall of each hop and of both together, for each kind of question."""
    ours, theirs = our_miner(audit.memory), nearest(audit.memory)
    for kind in dict.fromkeys(question.kind for question in questions):
        asked = [question for question in questions if question.kind == kind]
        judged = [(judge(audit, question, ours), judge(audit, question, theirs)) for question in asked]
        ceiling = np.mean([_answerable(audit, question) for question in asked])
        for hop, said in HOPS.items():
            for measure in ("precision", "recall"):
                (values, peers) = (_values(verdicts, hop, measure) for verdicts in zip(*judged, strict=True))
                interval, peer = mean_interval(100 * values), 100 * float(peers.mean())
                note = (
                    f"95 %: {interval.low:.1f} to {interval.high:.1f}; n = {len(values)} and {len(peers)}; "
                    f"{len(audit.memory)} entries; a right entry has the gold answer for {ceiling:.0%} of {len(asked)}"
                )
                label = f"{name}, {kind}: {measure} of {said}"
                ratio = interval.mean / max(peer, 100 / len(peers))
                yield Row(label, "%", PEER, interval.mean, peer, ratio, versions, note)


def our_miner(memory: MemoryColumns) -> Miner:
    """Return the project's mining of a memory."""
    miner = HopMiner(memory, MultihopConfig())

    def mine(question: str, answers: Sequence[str]) -> Pair | None:
        found = miner.mine(question, answers)
        return found and (found.first, found.final)

    return mine


def nearest(memory: MemoryColumns) -> Miner:
    """Return the peer."""
    index = BM25(memory.ids, memory.questions)

    def mine(question: str, answers: Sequence[str]) -> Pair | None:
        scores = index.scores(question)
        gold = sorted({row for answer in answers for row in memory.with_answer.get(normalize_answer(answer), ())})
        order = np.argsort(-scores, kind="stable")[:1000].tolist()
        if not gold and not {*answers} <= {"yes", "no"}:
            return None
        final = max(gold, key=lambda row: scores[row], default=order[0])
        first = next((row for row in order if memory.elsewhere(row, final)), None)
        return first, final

    return mine


def judge(audit: Audit, question: AuditQuestion, miner: Miner) -> Verdict:
    """Say which of the mined entries are right; the first one must come from elsewhere than the final one."""
    found = miner(question.question, question.answers)
    if found is None:
        return Verdict(False, False, False)
    first, final = found
    right = audit.labels[final] in question.final
    if first is None:
        return Verdict(False, False, right)
    return Verdict(True, audit.labels[first] in question.first - {audit.labels[final]}, right)


def _values(verdicts: Sequence[Verdict], hop: str, measure: str) -> np.ndarray:
    counted = [verdict for verdict in verdicts if verdict.pair or measure == "recall"]
    return np.array([getattr(verdict, hop) for verdict in counted] or [False], np.float64)


def _answerable(audit: Audit, question: AuditQuestion) -> bool:
    with_answer = audit.memory.with_answer
    rows = (row for answer in question.answers for row in with_answer.get(normalize_answer(answer), ()))
    return any(audit.labels[row] in question.final for row in rows)


def _versions(folder: Path, files: Sequence[str]) -> dict[str, str]:
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest()[:12] for name in files}
    return {**digests, **require("bm25s")}
