"""The open-domain filter (PAQ's): passages, answers, questions -> verdicts (one a question, kept or not).

1. Index: all passages of the corpus, once a job.
2. Retrieve: a file a shard, its questions with the passages that BM25 finds for each in the whole corpus.
3. Read (``tasks.model_stage``): the reader is asked about every passage found; a question's answer is the likeliest.

What is found for a question depends on every passage, so nothing is taken over from an earlier run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.utils.shared import Shared

from qamat_core.bm25 import BM25
from qamat_core.generation.examples import COMPREHENSION
from qamat_core.generation.formats import comprehension_prompt
from qamat_core.generation.generator import Candidate
from qamat_core.generation.quarantine import Decoded, Quarantined
from qamat_core.generation.questions import Verdict, judge, likeliest_answer
from qamat_core.passage_index import PassageColumns, index_passages, open_index, open_passages
from qamat_core.store.shards import read_shard
from qamat_core.store.store import Job, Store, TableDraft
from schemas.artifacts import ArtifactRef, Name
from schemas.generation import FilterName, FilterOpenDomainConfig, PromptFormat
from schemas.resources import Resources
from tasks.beam import Shards, Tables, for_each, telling
from tasks.filter_questions import FilterInputs, count_verdicts, quarantined, verdict_table
from tasks.model_stage import Decoding, Row, Source, Stage, run_stage
from tasks.reuse import Asked
from tasks.runner import filled_once, temporary_beside

FILTER: FilterName = "open-domain"


def run(config: FilterOpenDomainConfig, inputs: FilterInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Judge every question: does reading what is found for it give the answer that it was made for?"""
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs={"verdicts": ("verdicts", name)})
    decoding = Decoding(config.shape)

    def build(work: Path) -> dict[str, TableDraft]:
        retrieval = Retrieval(config, work)
        return run_stage(store, retrieval.stage(), decoding, job, work, resources, FILTER)

    return store.produce(job, build)["verdicts"]


@dataclass(frozen=True)
class Retrieval:
    """What is found for the questions of a job, in files of its work directory."""

    config: FilterOpenDomainConfig
    work: Path

    @property
    def folder(self) -> Path:
        """The passages and their index."""
        return self.work / "passages"

    def stage(self) -> Stage:
        """Return what is asked about each question: one prompt a passage found."""
        asked = Asked("questions", "qa_id", {"verdicts": "qa_id"})
        prompts = partial(_prompts, self.folder)
        return Stage(
            COMPREHENSION, asked, prompts, sort_out, count_verdicts, self.run, ("answers",), self.config.passages
        )

    def run(self, shards: Sequence[Shards], resources: Resources) -> list[Shards]:
        """Index the passages, find some for every question; return the shards with these questions in their place."""
        passages = [shard["passages"] for shard in shards]
        index = partial(index_passages, passages, k1=self.config.k1, b=self.config.b)
        filled_once(self.folder, index)
        found = self._file(0).parent
        found.mkdir(exist_ok=True)
        todo = [number for number in range(len(shards)) if not self._file(number).exists()]
        with telling("retrieval", lambda: sum(1 for _ in found.glob("*.parquet")), len(shards)):
            for_each(todo, self._finder([shard["questions"] for shard in shards]), self.work, resources)
        return [{**shard, "questions": self._file(number)} for number, shard in enumerate(shards)]

    def _finder(self, questions: Sequence[Path]) -> Callable[[], Callable[[int], None]]:
        """Return the set-up of the workers: the threads of a process share one index."""
        handle = Shared()

        def prepare() -> Callable[[int], None]:
            index = handle.acquire(lambda: open_index(self.folder))
            return lambda number: self._find(index, questions[number], self._file(number))

        return prepare

    def _find(self, index: BM25, questions: Path, file: Path) -> None:
        table = read_shard(questions)
        hits = index.batch_search(table["question"].to_pylist(), self.config.passages)
        rows = pa.array([[hit.row for hit in found] for found in hits], pa.list_(pa.int64()))
        scores = pa.array([[hit.score for hit in found] for found in hits], pa.list_(pa.float64()))
        with temporary_beside(file) as temporary:
            found = table.append_column("found", rows).append_column("scores", scores)
            pq.write_table(found, temporary, write_page_checksum=True)

    def _file(self, number: int) -> Path:
        return self.work / "found" / f"{number:05d}.parquet"


def _prompts(folder: Path, prompts: PromptFormat, passage: Row, question: Row) -> Sequence[str]:
    """Ask about the passages found; the one that the question was made of is read only if it is among them."""
    del passage
    passages = _open(folder)
    return [
        comprehension_prompt(prompts, title, text, question["question"])
        for title, text in map(passages.passage, question["found"])
    ]


@lru_cache(maxsize=1)
def _open(folder: Path) -> PassageColumns:
    return open_passages(folder)


def sort_out(
    questions: Sequence[Row], found: Sequence[Sequence[Decoded]], tables: Tables, source: Source
) -> dict[str, pa.Table]:
    """Make a row of every verdict, in the questions' order; a question is quarantined if a reading of it is."""
    answers = dict(zip(*(tables["answers"][name].to_pylist() for name in ("answer_id", "text")), strict=True))
    verdicts = [
        _judge(answers[question["answer_id"]], readings, question["scores"])
        for question, readings in zip(questions, found, strict=True)
    ]
    return {"verdicts": verdict_table(questions, verdicts, source.label)}


def _judge(answer: str, readings: Sequence[Decoded], scores: Sequence[float]) -> Verdict:
    read: list[Candidate] = []
    for one in readings:
        if isinstance(one, Quarantined):
            return quarantined(one)
        read.append(one[0])
    return judge(answer, likeliest_answer(read, scores))
