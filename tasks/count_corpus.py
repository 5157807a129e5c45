"""Table 1 of a memory: qa_pairs and the tables that it was made of -> metrics, by origin.

A count of what was generated comes of questions and verdicts, one of what was imported of the registry's counts of its
import; passages are those that were asked about and those that the imported spans name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from qamat_core.dedup.survivors import ORIGIN_GENERATED
from qamat_core.evaluation.corpus_statistics import OriginCounts, corpus_statistics, entries_by_origin, kept_by_filter
from qamat_core.passage_sets import passages_in, union
from qamat_core.store.store import Job, Store, TableDraft, write_table
from schemas.artifacts import ArtifactRef, Name
from schemas.corpus import CountConfig
from schemas.resources import Resources


@dataclass(frozen=True)
class Generation:
    """The tables of a generated corpus."""

    passages: ArtifactRef
    questions: ArtifactRef
    verdicts: ArtifactRef


@dataclass(frozen=True)
class Imported:
    """The tables of an imported corpus."""

    qa_pairs: ArtifactRef
    pair_spans: ArtifactRef


@dataclass(frozen=True)
class CountInputs:
    """A memory, generated or imported or both, with what it was made of as far as that is registered."""

    memory: ArtifactRef
    generation: Generation | None = None
    imported: tuple[Imported, ...] = ()


def run(config: CountConfig, inputs: CountInputs, *, name: Name, resources: Resources) -> ArtifactRef:
    """Count one memory."""
    store = Store(resources.home)
    refs = {"memory": inputs.memory} | (vars(inputs.generation) if inputs.generation else {})
    for number, corpus in enumerate(inputs.imported):
        refs |= {f"{label}-{number}": ref for label, ref in vars(corpus).items()}
    job = Job(module=__name__, config=config, inputs=refs, outputs={"metrics": ("metrics", name)})

    def build(work: Path) -> Mapping[str, TableDraft]:
        rows = count(config, inputs, store)
        return {"metrics": write_table(rows, "metrics", work, read=rows.num_rows)}

    return store.produce(job, build)["metrics"]


def count(config: CountConfig, inputs: CountInputs, store: Store) -> pa.Table:
    """Return the statistics as rows of ``metrics``."""
    origins: dict[str, OriginCounts] = {}
    if made := inputs.generation:
        passages = passages_in(store.open_shards(made.passages))
        kept = kept_by_filter(store.open_shards(made.verdicts))
        origins[ORIGIN_GENERATED] = OriginCounts(store.row(made.questions).rows, kept, passages)
    for corpus in inputs.imported:
        (origin,) = entries_by_origin(store.open_shards(corpus.qa_pairs)) or ("",)
        origins[origin] = _with(origins.get(origin), _imported(corpus, store))
    return corpus_statistics(entries_by_origin(store.open_shards(inputs.memory)), origins, config.dataset)


def _imported(corpus: Imported, store: Store) -> OriginCounts:
    row = store.row(corpus.qa_pairs)
    rejects = int(row.notes.get("rejects", 0))
    return OriginCounts(row.read, row.read - rejects, passages_in(store.open_shards(corpus.pair_spans)))


def _with(one: OriginCounts | None, other: OriginCounts) -> OriginCounts:
    """Add up what two imports of one origin give."""
    if one is None:
        return other
    passages = union([one.passages, other.passages])
    return OriginCounts(one.candidates + other.candidates, one.filtered + other.filtered, passages)
