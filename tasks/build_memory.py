"""Deduplication: answers, questions, verdicts (and imported qa_pairs) -> qa_pairs, duplicates.

First, shard by shard: the pairs that the filter kept, one an answer span. Then over all of them and the imported
ones, by partitions: one a normalised question, and, if asked for, one of all near-duplicate questions. Imported pairs
carry their own scores; a score of 0 is above every log-probability, so what people wrote survives what was generated.
read = questions + imported pairs, rejected = refused by the filter + duplicates.

Where an earlier version was made by the same code and configuration, with as many partitions, the last rule judges
only the keys that changed since and takes the other survivors over; the result is the same to the byte. The notes
``keys`` and ``keys_touched`` of the memory say how many there are (of questions, or of what near-duplicates share).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import pyarrow as pa

from qamat_core.dedup.near import near_rule
from qamat_core.dedup.survivors import EXACT, Rule, kept_pairs, one_per_span
from qamat_core.store.shards import Shard
from qamat_core.store.store import Job, Store, TableDraft
from schemas.artifacts import ArtifactRef, Name
from schemas.corpus import MemoryConfig
from schemas.errors import ArtifactError
from schemas.resources import Resources
from tasks.beam import Counted, Receipt, Shards, Tables, align, draft_of, read_receipts, run_shards
from tasks.dedup_partitions import OUTPUTS, EarlierRun, Stage

_GENERATED = ("answers", "questions", "verdicts")
_IMPORTED = "imported-"


@dataclass(frozen=True)
class MemoryInputs:
    """The aligned tables of one generated corpus, and pairs from elsewhere."""

    answers: ArtifactRef
    questions: ArtifactRef
    verdicts: ArtifactRef
    imported: tuple[ArtifactRef, ...] = ()


@dataclass(frozen=True)
class MemoryRefs:
    """A memory and what fell to deduplication."""

    qa_pairs: ArtifactRef
    duplicates: ArtifactRef


@dataclass(frozen=True)
class Sources:
    """The shards of a memory's inputs: aligned ones of a generated corpus, and imported pairs."""

    generated: Sequence[Shards]
    imported: Sequence[Shard]


@dataclass(frozen=True)
class EarlierMemory:
    """A memory that the same code made of other sources: its shards, and what fell, in the order of receipts."""

    key: str
    sources: Sources
    qa_pairs: Sequence[Path]
    duplicates: Sequence[Path]


def run(config: MemoryConfig, inputs: MemoryInputs, *, name: Name, resources: Resources) -> MemoryRefs:
    """Make the memory ``name`` of a generated corpus and imported pairs."""
    store = Store(resources.home)
    generated = {"answers": inputs.answers, "questions": inputs.questions, "verdicts": inputs.verdicts}
    imported = {f"{_IMPORTED}{number}": ref for number, ref in enumerate(inputs.imported)}
    job = Job(
        module=__name__,
        config=config,
        inputs=generated | imported,
        outputs={"qa_pairs": ("qa_pairs", name), "duplicates": ("duplicates", name)},
    )

    def build(work: Path) -> dict[str, TableDraft]:
        return build_memory(config, _sources(store, job.inputs), _earlier(store, job), work, resources)

    return MemoryRefs(**store.produce(job, build))


def build_memory(
    config: MemoryConfig, sources: Sources, earlier: EarlierMemory | None, work: Path, resources: Resources
) -> dict[str, TableDraft]:
    """Return drafts of ``qa_pairs`` and ``duplicates``.

    Receipts 0 to S-1 in ``work`` are those of the S generated shards; the receipts of the P partitions follow, rule
    after rule. The shards of the last rule are the memory; what fell to any of them is a duplicate.
    """
    spans = _one_per_span(sources, work, resources)
    pairs = _candidates(sources, work)
    partitions = max(1, ceil(sum(shard.rows for shard in pairs) / config.shard_rows))
    stages = _stages(config, partitions, len(spans), work)
    if earlier is not None and len(earlier.qa_pairs) == partitions:
        before = work / f"earlier-{earlier.key[:16]}"
        before.mkdir(exist_ok=True)
        first = _one_per_span(earlier.sources, before, resources)
        *whole, last = _stages(config, partitions, len(first), before)
        then = _run_all(whole, _candidates(earlier.sources, before), resources)
        stages[-1] = replace(stages[-1], earlier=EarlierRun(then, earlier.qa_pairs, earlier.duplicates[last.offset :]))
    _run_all(stages, pairs, resources)
    receipts = read_receipts(work, range(stages[-1].indexes.stop))
    fallen = draft_of("duplicates", receipts, work)
    memory = draft_of("qa_pairs", receipts[stages[-1].offset :], work)
    read = sum(receipt.read for receipt in spans) + sum(shard.rows for shard in sources.imported)
    counts = {"read": read, "kept": memory.kept, "rejected": fallen.rejected}
    return {"qa_pairs": replace(memory, **counts, notes=stages[-1].keys()), "duplicates": replace(fallen, **counts)}


def _sources(store: Store, inputs: Mapping[str, ArtifactRef]) -> Sources:
    imported = [ref for label, ref in inputs.items() if label.startswith(_IMPORTED)]
    shards = [shard for ref in imported for shard in store.shards(ref)]
    return Sources(align(store, {label: inputs[label] for label in _GENERATED}), shards)


def _earlier(store: Store, job: Job) -> EarlierMemory | None:
    """Return the newest earlier memory that can be taken over; None if there is none, or a part of it is lost."""
    if not (refs := store.predecessor(job)):
        return None
    try:
        return EarlierMemory(
            refs["qa_pairs"].key,
            _sources(store, store.row(refs["qa_pairs"]).inputs),
            store.open_shards(refs["qa_pairs"]),
            store.open_shards(refs["duplicates"]),
        )
    except ArtifactError:
        return None


def _one_per_span(sources: Sources, work: Path, resources: Resources) -> list[Receipt]:
    run_shards(sources.generated, lambda: _keep_one_per_span, OUTPUTS, work, resources)
    return read_receipts(work, range(len(sources.generated)))


def _keep_one_per_span(tables: Tables) -> Counted:
    kept = kept_pairs(tables["answers"], tables["questions"], tables["verdicts"])
    survivors, duplicates = one_per_span(kept)
    read = tables["questions"].num_rows
    outputs: dict[str, pa.Table] = {"qa_pairs": survivors, "duplicates": duplicates}
    return Counted(outputs, read=read, kept=survivors.num_rows, rejected=read - survivors.num_rows)


def _candidates(sources: Sources, work: Path) -> list[Shard]:
    """Return the pairs that go to the partitions: survivors of each generated shard, and imported ones."""
    return [*_pairs_of(read_receipts(work, range(len(sources.generated))), work), *sources.imported]


def _pairs_of(receipts: Sequence[Receipt], work: Path) -> list[Shard]:
    files = [receipt.shards["qa_pairs"] for receipt in receipts]
    return [Shard(work / "qa_pairs" / file.path, file.sha256, file.rows) for file in files]


def _stages(config: MemoryConfig, partitions: int, offset: int, work: Path) -> list[Stage]:
    rules: list[Rule] = [EXACT]
    if config.near_duplicates is not None:
        rules.append(near_rule(config.near_duplicates, config.permutations, config.bands))
    return [Stage(rule, [], partitions, offset + number * partitions, work) for number, rule in enumerate(rules)]


def _run_all(stages: Sequence[Stage], pairs: Sequence[Shard], resources: Resources) -> Sequence[Shard]:
    """Run rule after rule over what survived the one before; return the survivors of the last."""
    for stage in stages:
        replace(stage, shards=pairs).run(resources)
        pairs = _pairs_of(read_receipts(stage.work, stage.indexes), stage.work)
    return pairs
