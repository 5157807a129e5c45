"""Answer extraction: passages -> answers, rejects (candidates that do not stand in their passage)."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from qamat_core.generation.examples import EXTRACTION
from qamat_core.generation.extraction import separate, spans_of
from qamat_core.generation.formats import extraction_prompts
from qamat_core.generation.quarantine import Decoded, Quarantined
from qamat_core.store.store import Job, Store
from schemas.artifacts import ArtifactRef, Kind, Name
from schemas.generation import ExtractAnswersConfig, PromptFormat
from schemas.resources import Resources
from schemas.tables import ANSWERS, REJECTS, stable_id
from tasks.beam import Tables
from tasks.model_stage import Decoding, Row, Source, Stage, run_stage
from tasks.reuse import Asked


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
    decoding = Decoding(config.shape, config.beam_size, config.length_penalty)
    return store.produce(job, lambda work: run_stage(store, STAGE, decoding, job, work, resources))["answers"]


def _prompts(prompts: PromptFormat, passage: Row, row: Row) -> Sequence[str]:
    del row
    return extraction_prompts(prompts, passage["title"], passage["text"])


def sort_out(
    passages: Sequence[Row], found: Sequence[Sequence[Decoded]], tables: Tables, source: Source
) -> dict[str, pa.Table]:
    """Make rows of candidates: answers of those that are spans, by passage and most probable first; else rejects."""
    del tables
    answers: list[Row] = []
    rejects: list[Row] = []
    for passage, prompts in zip(passages, found, strict=True):
        passage_id = passage["passage_id"]
        faults = [one for one in prompts if isinstance(one, Quarantined)]
        texts = [one for candidates in prompts if not isinstance(candidates, Quarantined) for one in candidates]
        spans, refused = spans_of(passage["text"], separate(texts, source.prompts.answer_separator))
        for span in spans:
            answer_id = stable_id(passage_id, span.start, span.end)
            answers.append(
                {"answer_id": answer_id, "passage_id": passage_id, "generator": source.generator} | span._asdict()
            )
        rejects += [{"source": passage_id, "record": one.text, "reason": one.reason} for one in refused]
        rejects += [{"source": passage_id, "record": "", "reason": one.reason} for one in faults]
    return {
        "answers": pa.Table.from_pylist(answers, schema=ANSWERS),
        "rejects": pa.Table.from_pylist(rejects, schema=REJECTS),
    }


def _count(tables: Tables) -> tuple[int, int, int]:
    kept, rejected = tables["answers"].num_rows, tables["rejects"].num_rows
    return kept + rejected, kept, rejected


STAGE = Stage(
    EXTRACTION,
    Asked("passages", "passage_id", {"answers": "passage_id", "rejects": "source"}),
    _prompts,
    sort_out,
    _count,
)
