"""What Beam costs: each stage that asks a model, and BM25 mining, against the same functions bare in a loop.

The stage is the task's `run`, from opened tables to registered ones, under a name of its own each time, so that
nothing is found again; it has one worker thread. Bare is a loop that reads the same shards, makes the same prompts and
fixed batches, calls the same compiled programs, sorts out what comes and writes the same shards: no Beam, no files of
batches, no receipts, no registry. Both run in this process in turns, programs compiled before; the processor seconds
of all threads count. BM25's index is built anew on both sides.

The generator has mini's shape and random weights, so that most decoding goes to its end, and mini's batches (64 rows
with a beam of six; 256 rows in 16 slots). Passages, answers and questions are SQuAD's.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from qamat_core.generation.batching import cut_batches
from qamat_core.generation.examples import source_length, target_length
from qamat_core.generation.generator import Generator, Search
from qamat_core.generation.quarantine import Decoded, decode_all
from qamat_core.store.shards import write_shard
from qamat_core.store.store import Store
from schemas.artifacts import ArtifactRef
from schemas.preset_models import CorpusPreset
from schemas.presets import preset
from schemas.resources import Resources
from schemas.tables import TABLES
from tasks import extract_answers, filter_questions, generate_questions, mine_negatives
from tasks.beam import Tables, align, read_shards
from tasks.generator_pool import generator_id, open_generator
from tasks.model_stage import Decoding, Source, Stage, group_shards
from tests.benchmarks.annotated_home import Annotated, prepare
from tests.benchmarks.measure import Row, compare, interleave, require

Side = Callable[[str], object]
"""Runs under a name that nothing had before."""


@dataclass(frozen=True)
class Contest:
    """A stage, by Beam and bare, and how much it works on."""

    beam: Side
    bare: Side
    amount: int
    unit: str


@dataclass(frozen=True)
class Loop:
    """A stage that asks a model, bare."""

    stage: Stage
    decoding: Decoding
    tables: Mapping[str, ArtifactRef]
    generator: ArtifactRef
    home: Path

    def __call__(self, name: str) -> None:
        """Do what the stage does; the shards lie in a folder of this name."""
        generator = open_generator(str(self.home), self.generator)
        shards = align(Store(self.home), self.tables)
        counts = [file.rows for file in Store(self.home).row(self.tables[self.stage.asked.table]).files]
        source = Source(generator_id(self.generator), generator.config.prompts)
        for group in group_shards(counts, 16 * self.decoding.shape.rows):
            tables = [read_shards(shards[shard]) for shard in group]
            found = iter(self._ask(tables, generator))
            for shard, given in zip(group, tables, strict=True):
                rows = given[self.stage.asked.table].to_pylist()
                made = self.stage.sort_out(rows, [[next(found)] for _ in rows], given, source)
                for kind, table in made.items():
                    write_shard(table, TABLES[kind], self.home / name / kind, shard)

    def _ask(self, tables: list[Tables], generator: Generator) -> list[Decoded]:
        """Return what comes of each prompt, one a row."""
        prompts = [prompt for given in tables for prompt in self._prompts(given, generator)]
        task, config, how = self.stage.task, generator.config, self.decoding
        search = Search(target_length(task, config), how.beam_size, how.length_penalty, how.shape.slots)
        length = source_length(task, config)
        found: dict[int, Decoded] = {}
        for batch in cut_batches(generator.tokenize(prompts, length), how.shape, length):
            found |= zip(batch.places, decode_all(generator, batch, search), strict=True)
        return [found[place] for place in range(len(prompts))]

    def _prompts(self, tables: Tables, generator: Generator) -> Iterator[str]:
        passages = {row["passage_id"]: row for row in tables["passages"].to_pylist()}
        for row in tables[self.stage.asked.table].to_pylist():
            yield from self.stage.prompts(generator.config.prompts, passages[row["passage_id"]], row)


def run(*, quick: bool) -> list[Row]:
    """Return a row for each stage: the ratio is the loop's processor seconds over the stage's."""
    versions = require("apache-beam", "jax", "pyarrow")
    shards, questions, rounds = (1, 2_000, 1) if quick else (4, 175_000, 3)
    numbers = preset("mini").corpus
    with TemporaryDirectory(prefix="qamat-bench-") as folder:
        resources = Resources(home=folder, workers=1)
        given = prepare(numbers, resources, shards, questions)
        contests = {**_model_stages(numbers, given, resources), "negatives": _negatives(numbers, given, resources)}
        return [_measure(name, contest, rounds, versions) for name, contest in contests.items()]


def _measure(name: str, contest: Contest, rounds: int, versions: Mapping[str, str]) -> Row:
    numbers = count()
    sides = {"beam": contest.beam, "bare": contest.bare}
    runs = {side: lambda call=call: call(f"{name}-{next(numbers)}") for side, call in sides.items()}
    costs = interleave(runs, rounds)
    beam, bare = costs["beam"], costs["bare"]
    note = (
        f"{contest.amount:,} {contest.unit}; CPU s {beam.cpu:.2f} and {bare.cpu:.2f} bare, seconds on the clock "
        f"{beam.wall:.2f} and {bare.wall:.2f}; median of {rounds}"
    )
    speeds = (beam.cpu, bare.cpu)
    return compare(f"beam: {name}", f"{contest.unit}/CPU s", "bare loop", contest.amount, speeds, versions, note)


def _model_stages(numbers: CorpusPreset, given: Annotated, resources: Resources) -> dict[str, Contest]:
    passages, answers, questions, generator, _ = given
    extraction = extract_answers.ExtractionInputs(passages, generator)
    generation = generate_questions.QuestionInputs(passages, answers, generator)
    comprehension = filter_questions.FilterInputs(passages, answers, questions, generator)
    tried, asked, judged = numbers.answers, numbers.questions, numbers.filter
    beams = {
        "extraction": partial(_run, extract_answers.run, tried, extraction, resources),
        "generation": partial(_run, generate_questions.run, asked, generation, resources),
        "filter": partial(_run, filter_questions.run, judged, comprehension, resources),
    }
    decodings = (
        Decoding(tried.shape, tried.beam_size, tried.length_penalty),
        Decoding(asked.shape, asked.beam_size, asked.length_penalty),
        Decoding(judged.shape),
    )
    stages = (extract_answers.STAGE, generate_questions.STAGE, filter_questions.STAGE)
    contests: dict[str, Contest] = {}
    for (name, beam), stage, decoding, inputs in zip(
        beams.items(), stages, decodings, (extraction, generation, comprehension), strict=True
    ):
        tables = {label: ref for label, ref in vars(inputs).items() if label != "generator"}
        loop = Loop(stage, decoding, tables, generator, Path(resources.home))
        rows = Store(resources.home).row(tables[stage.asked.table]).rows
        contests[name] = Contest(beam, loop, rows, stage.asked.table)
    return contests


def _run(task: Callable[..., object], config: object, inputs: object, resources: Resources, name: str) -> object:
    return task(config, inputs, name=name, resources=resources)


def _negatives(numbers: CorpusPreset, given: Annotated, resources: Resources) -> Contest:
    inputs = mine_negatives.NegativesInputs(given.passages, given.memory)
    store = Store(resources.home)

    def bare(name: str) -> None:
        work = Path(resources.home) / name
        work.mkdir()
        folder = mine_negatives.prepare(store.open_shards(given.memory), numbers.negatives, work)
        miner = mine_negatives.Miner.open(folder, numbers.negatives)
        for number, shard in enumerate(align(store, {"passages": given.passages})):
            for kind, table in miner.process(read_shards(shard)).tables.items():
                write_shard(table, TABLES[kind], work / kind, number)
        shutil.rmtree(work)

    beam = partial(_run, mine_negatives.run, numbers.negatives, inputs, resources)
    return Contest(beam, bare, store.row(given.passages).rows, "passages")
