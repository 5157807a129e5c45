"""Model calls in Beam: groups of prompts -> fixed batches -> RunInference -> one file of results a batch.

An element of RunInference is one fixed batch of one shape, so neither workers nor timing change what a row meets, and
nothing is compiled twice. A batch whose file is there is not decoded again.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.ml.inference.base import ModelHandler, RunInference
from apache_beam.pvalue import PBegin, PCollection

from qamat_core.generation.batching import Batch, cut_batches
from qamat_core.generation.generator import Candidate, Generator, Search
from qamat_core.generation.quarantine import Decoded, Quarantined, decode_all
from qamat_core.store.shards import read_shard
from schemas.artifacts import ArtifactRef
from schemas.generation import BatchShape
from tasks.generator_pool import open_generator
from tasks.runner import Packed, temporary_beside, working

_FOLDER: Final = "results"
_RESULTS: Final = pa.schema(
    [
        ("shard", pa.int32()),
        ("row", pa.int32()),
        ("rank", pa.int32()),
        ("texts", pa.list_(pa.string())),
        ("sums", pa.list_(pa.float64())),
        ("means", pa.list_(pa.float64())),
        ("ended", pa.list_(pa.bool_())),
        ("fault", pa.string()),
    ]
)


class Place(NamedTuple):
    """Whose prompt it is: the shard, the row of the table that is asked about, which of the row's prompts."""

    shard: int
    row: int
    rank: int


class Prompt(NamedTuple):
    """A text for the generator and whose it is."""

    place: Place
    text: str


class Call(NamedTuple):
    """An element: one batch, its number within its group, and whose its rows are."""

    group: int
    number: int
    places: list[Place]
    batch: Batch


class Answered(NamedTuple):
    """What came of a call."""

    call: Call
    found: list[Decoded]


@dataclass(frozen=True)
class Model:
    """The generator of a job and how it is asked."""

    home: str
    checkpoint: ArtifactRef
    source_length: int
    search: Search
    shape: BatchShape


class GeneratorHandler(ModelHandler[Call, Answered, Generator]):
    """One generator a process, one batch an element."""

    def __init__(self, model: Model, work: Path) -> None:
        super().__init__(min_batch_size=1, max_batch_size=1)
        self._model, self._work = model, work

    def load_model(self) -> Generator:
        """Open the generator; every stage of this process shares it."""
        with working(self._work):
            return open_generator(self._model.home, self._model.checkpoint)

    def run_inference(
        self, batch: Sequence[Call], model: Generator, inference_args: dict[str, Any] | None = None
    ) -> list[Answered]:
        """Decode the batch of each element."""
        del inference_args
        with working(self._work):
            return [Answered(call, decode_all(model, call.batch, self._model.search)) for call in batch]

    def get_num_bytes(self, batch: Sequence[Call]) -> int:
        """Return the bytes of the tokens."""
        return sum(call.batch.tokens.nbytes for call in batch)

    def get_metrics_namespace(self) -> str:
        """Return the name of the metrics."""
        return "qamat"


Prompts = Callable[[int], Sequence[Prompt]]
"""The prompts of a group, by its number."""


class AskGenerator(beam.PTransform[PBegin, PCollection[None]]):
    """Reads the prompts of each group, decodes them batch by batch and writes what comes of it."""

    def __init__(self, groups: Sequence[int], prepare: Callable[[], Prompts], model: Model, work: Path) -> None:
        super().__init__()
        self._groups, self._prepare, self._model, self._work = groups, Packed(prepare), model, work

    def expand(self, input_or_inputs: PBegin) -> PCollection[None]:
        """Apply to the root of a pipeline; nothing comes out."""
        return (  # pyright: ignore[reportReturnType]
            input_or_inputs
            | "Groups" >> beam.Create(self._groups, reshuffle=False)
            | "SpreadOverWorkers" >> beam.Reshuffle()
            | "CutBatches" >> beam.ParDo(_CutBatches(self._prepare, self._model, self._work))
            | "Decode" >> RunInference(GeneratorHandler(self._model, self._work))
            | "Write" >> beam.ParDo(_Write(self._work))
        )


class _CutBatches(beam.DoFn):
    def __init__(self, prepare: Packed[Prompts], model: Model, work: Path) -> None:
        self._prepare, self._model, self._work = prepare, model, work

    def setup(self) -> None:
        with working(self._work):
            self._prompts = self._prepare.call()
            self._generator = open_generator(self._model.home, self._model.checkpoint)

    def process(self, element: int) -> Iterator[Call]:  # pyright: ignore[reportIncompatibleMethodOverride]
        with working(self._work):
            prompts = self._prompts(element)
            ids = self._generator.tokenize([prompt.text for prompt in prompts], self._model.source_length)
            for number, batch in enumerate(cut_batches(ids, self._model.shape, self._model.source_length)):
                if not _file(self._work, element, number).exists():
                    yield Call(element, number, [prompts[place].place for place in batch.places], batch)


class _Write(beam.DoFn):
    def __init__(self, work: Path) -> None:
        self._work = work

    def process(self, element: Answered) -> Iterator[None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        call, found = element
        path = _file(self._work, call.group, call.number)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = pa.Table.from_pylist([_row(*one) for one in zip(call.places, found, strict=True)], schema=_RESULTS)
        with temporary_beside(path) as temporary:
            pq.write_table(rows, temporary, write_page_checksum=True)
        yield from ()


def _row(place: Place, found: Decoded) -> dict[str, object]:
    if isinstance(found, Quarantined):
        return {**place._asdict(), "texts": [], "sums": [], "means": [], "ended": [], "fault": found.reason}
    texts, sums, means, ended = (list(column) for column in zip(*found, strict=True))
    return {**place._asdict(), "texts": texts, "sums": sums, "means": means, "ended": ended, "fault": None}


def read_answers(work: Path, group: int, shard: int) -> Mapping[tuple[int, int], Decoded]:
    """Return what came of the prompts of one shard, by row and rank."""
    directory = _file(work, group, 0).parent
    if not directory.exists():
        return {}
    answers = _read_group(directory, directory.stat().st_mtime_ns)
    rows = answers.filter(pa.array(answers["shard"].to_numpy() == shard)).to_pylist()
    return {(row["row"], row["rank"]): _decoded(row) for row in rows}


@lru_cache(maxsize=4)
def _read_group(directory: Path, changed: int) -> pa.Table:
    """Return the results of all batches of a group; shards of one group are put together one soon after another."""
    del changed
    return pa.concat_tables([read_shard(path) for path in sorted(directory.glob("*.parquet"))])


def _decoded(row: Mapping[str, Any]) -> Decoded:
    if row["fault"] is not None:
        return Quarantined(row["fault"])
    columns = row["texts"], row["sums"], row["means"], row["ended"]
    return [Candidate(*one) for one in zip(*columns, strict=True)]


def count_answers(work: Path) -> int:
    """Return how many batches are decoded."""
    return sum(1 for _ in work.glob(f"{_FOLDER}/*/*.parquet"))


def forget_answers(work: Path) -> None:
    """Let every batch be decoded again."""
    shutil.rmtree(work / _FOLDER, ignore_errors=True)


def _file(work: Path, group: int, number: int) -> Path:
    return work / _FOLDER / f"{group:05d}" / f"{number:05d}.parquet"
