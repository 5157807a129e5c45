"""The synthetic world corpus as tables: nothing -> passages, annotations, gold qa_pairs, qa_examples, gold chains.

The tables of a world N: ``passages`` N (asked and answered) and N-annotated (what the annotations N stand in),
``qa_pairs`` N-gold (origin "gold", one right pair a fact), ``qa_examples`` N-train, N-dev, N-test and
N-two-hop-<split>, ``multihop_examples`` N-two-hop-<split>-gold (the true two entries of N-gold, tier "gold").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from qamat_core.batches import to_table, write_tables
from qamat_core.store.store import Job, Store, TableDraft
from qamat_core.world.generate import annotations, build_world
from qamat_core.world.questions import SPLITS
from qamat_core.world.world import GoldPair, TwoHop, World
from schemas.artifacts import ArtifactRef, Kind, Name, TableKind
from schemas.corpus import BuildWorldConfig
from schemas.resources import Resources
from schemas.tables import MULTIHOP_EXAMPLES, QA_PAIRS, stable_id
from schemas.world import Split


@dataclass(frozen=True)
class WorldRefs:
    """All tables of one world; what differs by split is keyed by split."""

    passages: ArtifactRef
    annotated_passages: ArtifactRef
    annotations: ArtifactRef
    gold_pairs: ArtifactRef
    questions: Mapping[Split, ArtifactRef]
    two_hop: Mapping[Split, ArtifactRef]
    two_hop_gold: Mapping[Split, ArtifactRef]


def run(config: BuildWorldConfig, *, name: Name, resources: Resources) -> WorldRefs:
    """Make the world of a configuration under ``name``."""
    store = Store(resources.home)
    job = Job(module=__name__, config=config, inputs={}, outputs=_outputs(name))
    refs = store.produce(job, lambda work: _build(config, work))
    return WorldRefs(
        passages=refs["passages"],
        annotated_passages=refs["annotated-passages"],
        annotations=refs["annotations"],
        gold_pairs=refs["gold"],
        questions={split: refs[split] for split in SPLITS},
        two_hop={split: refs[f"two-hop-{split}"] for split in SPLITS},
        two_hop_gold={split: refs[f"two-hop-{split}-gold"] for split in SPLITS},
    )


def _outputs(name: Name) -> dict[str, tuple[Kind, str]]:
    outputs: dict[str, tuple[Kind, str]] = {
        "passages": ("passages", name),
        "annotated-passages": ("passages", f"{name}-annotated"),
        "annotations": ("annotations", name),
        "gold": ("qa_pairs", f"{name}-gold"),
    }
    for split in SPLITS:
        outputs[split] = ("qa_examples", f"{name}-{split}")
        outputs[f"two-hop-{split}"] = ("qa_examples", f"{name}-two-hop-{split}")
        outputs[f"two-hop-{split}-gold"] = ("multihop_examples", f"{name}-two-hop-{split}-gold")
    return outputs


def _build(config: BuildWorldConfig, work: Path) -> dict[str, TableDraft]:
    return {
        label: write_tables(rows, kind, work / label, config.shard_rows, read=rows.num_rows, rejected=0)
        for label, (kind, rows) in world_tables(config).items()
    }


def world_tables(config: BuildWorldConfig) -> dict[str, tuple[TableKind, pa.Table]]:
    """Return every table of the world with its kind, by the labels of the outputs."""
    world = build_world(config.world)
    annotated, asked = annotations(config.world)
    tables: dict[str, tuple[TableKind, pa.Table]] = {
        "passages": ("passages", to_table(world.passages, "passages")),
        "annotated-passages": ("passages", to_table(annotated, "passages")),
        "annotations": ("annotations", to_table(asked, "annotations")),
        "gold": ("qa_pairs", gold_table(world.gold_pairs)),
    }
    for split in SPLITS:
        chains = world.two_hop(split)
        tables[split] = ("qa_examples", to_table(world.questions(split), "qa_examples"))
        tables[f"two-hop-{split}"] = ("qa_examples", to_table([chain.example for chain in chains], "qa_examples"))
        tables[f"two-hop-{split}-gold"] = ("multihop_examples", chain_table(chains, world))
    return tables


def gold_table(pairs: Sequence[GoldPair]) -> pa.Table:
    """Return the gold memory, sorted by id."""
    rows = [
        {
            "qa_id": gold_id(pair),
            "question": pair.question,
            "answer": pair.answer,
            "aliases": [],
            "passage_id": pair.passage_id,
            "start": pair.start,
            "origin": "gold",
            "generator": None,
            "score": 0.0,
        }
        for pair in pairs
    ]
    return pa.Table.from_pylist(rows, schema=QA_PAIRS).sort_by("qa_id")


def gold_id(pair: GoldPair) -> str:
    """Return the id of a gold pair: that of a generated pair with this span and question."""
    return stable_id(stable_id(pair.passage_id, pair.start, pair.start + len(pair.answer)), pair.question)


def chain_table(chains: Sequence[TwoHop], world: World) -> pa.Table:
    """Return, for every two-hop question, the gold entries of its two facts."""
    ids = {pair.fact_id: gold_id(pair) for pair in world.gold_pairs}
    rows = [
        {
            "example_id": chain.example.example_id,
            "first_qa_id": ids[chain.first_fact],
            "final_qa_id": ids[chain.final_fact],
            "tier": "gold",
            "score": 1.0,
        }
        for chain in chains
    ]
    return pa.Table.from_pylist(rows, schema=MULTIHOP_EXAMPLES)
