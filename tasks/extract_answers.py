"""Answer extraction: passages -> answers, rejects (candidates that do not stand in their passage)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from qamat_core.generation.examples import EXTRACTION, source_length, target_length
from qamat_core.generation.extraction import spans_of
from qamat_core.generation.formats import extraction_prompt
from qamat_core.generation.generator import Candidate, Generator, Search
from qamat_core.store.store import Job, Store, TableDraft
from schemas.artifacts import ArtifactRef, Kind, Name
from schemas.generation import ExtractAnswersConfig
from schemas.resources import Resources
from schemas.tables import ANSWERS, REJECTS, stable_id
from tasks.beam import Counted, Tables, align, run_shards
from tasks.generator_pool import generator_id, open_generator

Row = Mapping[str, Any]


@dataclass(frozen=True)
class ExtractionInputs:
    """What spans are extracted from, and by what."""

    passages: ArtifactRef
    generator: ArtifactRef


def run(config: ExtractAnswersConfig, inputs: ExtractionInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Extract the answer spans of every passage; the rejects stand in ``rejects/<name>-answers``."""
    store = Store(resources.home)
    outputs: dict[str, tuple[Kind, str]] = {"answers": ("answers", name), "rejects": ("rejects", f"{name}-answers")}
    job = Job(module=__name__, config=config, inputs=vars(inputs), outputs=outputs)
    return store.produce(job, lambda work: _run_beam(store, config, inputs, work, resources))["answers"]


def _run_beam(
    store: Store, config: ExtractAnswersConfig, inputs: ExtractionInputs, work: Path, resources: Resources
) -> dict[str, TableDraft]:
    open_generator(resources.home, inputs.generator)  # a wrong checkpoint is refused here, not inside Beam
    elements = align(store, {"passages": inputs.passages})
    setup = partial(prepare, config, inputs.generator, resources.home)
    return run_shards(elements, setup, ("answers", "rejects"), work, resources)


def prepare(config: ExtractAnswersConfig, checkpoint: ArtifactRef, home: str) -> Callable[[Tables], Counted]:
    """Load the generator; return the function that processes one shard."""
    return partial(extract, config, open_generator(home, checkpoint), generator_id(checkpoint))


def extract(config: ExtractAnswersConfig, generator: Generator, label: str, tables: Tables) -> Counted:
    """Extract the spans of one shard of passages: by passage, most probable first."""
    passages = tables["passages"].to_pylist()
    prompts = [extraction_prompt(generator.config.prompts, row["title"], row["text"]) for row in passages]
    search = Search(target_length(EXTRACTION, generator.config), config.beam_size, config.length_penalty)
    found = generator.candidates(prompts, source_length(EXTRACTION, generator.config), search, config.shape)
    return sort_out(passages, found, label)


def sort_out(passages: Sequence[Row], found: Sequence[Sequence[Candidate]], label: str) -> Counted:
    """Make rows of candidates: answers of those that are spans, rejects of the others."""
    answers: list[Row] = []
    rejects: list[Row] = []
    for passage, candidates in zip(passages, found, strict=True):
        passage_id = passage["passage_id"]
        spans, refused = spans_of(passage["text"], candidates)
        for span in spans:
            answer_id = stable_id(passage_id, span.start, span.end)
            answers.append({"answer_id": answer_id, "passage_id": passage_id, "generator": label} | span._asdict())
        rejects += [{"source": passage_id, "record": one.text, "reason": one.reason} for one in refused]
    tables = {
        "answers": pa.Table.from_pylist(answers, schema=ANSWERS),
        "rejects": pa.Table.from_pylist(rejects, schema=REJECTS),
    }
    return Counted(tables, read=len(answers) + len(rejects), kept=len(answers), rejected=len(rejects))
