"""The presets of two cores and minutes. They differ in numbers only.

``toy`` runs in seconds (fault tests), ``smoke`` in about a minute of training (tests), ``mini`` on two cores over the
embedded world corpus. Their models start from random weights, so they have aids that the paper's do not: ``AIDS``.
"""

from schemas.generation import (
    TaskRows,
)
from schemas.passages import (
    ALL_PASSAGE_ROWS,
)
from schemas.preset_models import (
    Preset,
)
from schemas.second_set import SecondScale
from schemas.small_scale import Scale, small
from schemas.world import WorldConfig


def toy() -> Preset:
    """Seconds; learns nothing."""
    world = WorldConfig(persons=24, cities=12, countries=4, companies=8, books=8, annotation_worlds=1)
    return small(
        "toy",
        Scale(
            world=world,
            shard_rows=32,
            d_model=24,
            locality=(1.0, 0.4, 0.1),
            pieces=300,
            generator_steps=80,  # the fewest that give a memory that is not empty
            generator_rate=1e-2,
            generator_rows=TaskRows(extraction=8, generation=8, comprehension=8),
            beam=2,
            inbatch=(4, 8, 3e-3),
            global_=(4, 8, 1e-3),
            finetune=(4, 8, 1e-3),
            multihop=(4, 8, 1e-3),
            closed_passages=(4, 8, 1e-3),
            closed_questions=(8, 1e-3),
            repaq=(1, 8, 1e-3),
            reranker=(4, 8, 1e-3),
            candidates=(8, 8),
            passage_rows=("BM25+FiD",),
            passages=2,
            dpr=(2, 8, 1e-3),
            fid=(2, 8, 1e-3),
            extractive=(2, 8, 1e-3),
            two_hop_passages=False,
            mdr=(2, 8, 1e-3),
            two_hop_fid=(2, 8, 1e-3),
            slots=2,
            hop_slots=2,
            example_shares=(0.05, 1.0),
            second=SecondScale(share=1.0),  # a smaller one has no question of some splits
        ),
    )


def smoke() -> Preset:
    """About a minute of training."""
    world = WorldConfig(persons=100, cities=50, countries=15, companies=30, books=35, annotation_worlds=10)
    return small(
        "smoke",
        Scale(
            world=world,
            shard_rows=128,
            d_model=64,
            locality=(1.0, 0.3),
            pieces=1000,
            generator_steps=350,
            generator_rate=5e-3,
            generator_rows=TaskRows(extraction=8, generation=28, comprehension=12),
            beam=6,
            inbatch=(150, 48, 2e-3),
            global_=(30, 32, 1e-3),
            finetune=(80, 32, 1e-3),
            multihop=(60, 32, 1e-3),
            closed_passages=(100, 48, 3e-3),
            closed_questions=(48, 3e-3),
            repaq=(60, 16, 1e-3),
            reranker=(60, 16, 1e-3),
            candidates=(8, 8),
            passage_rows=ALL_PASSAGE_ROWS,
            passages=3,
            dpr=(40, 32, 1e-3),
            fid=(60, 16, 2e-3),
            extractive=(60, 16, 2e-3),
            mdr=(40, 16, 1e-3),
            two_hop_fid=(60, 16, 2e-3),
            slots=4,
            hop_slots=2,
            larger=(96, (1.0, 0.4, 0.1)),
            deeper=(10, 20, 30),
            deeper_questions=100,
            example_shares=(0.05, 1.0),
            second=SecondScale(
                share=0.5, inbatch=(60, 48), global_=(20, 32), finetune=(40, 32), multihop=(40, 32), repaq=(30, 16)
            ),
        ),
    )


def mini() -> Preset:
    """Minutes on two cores, over the embedded world corpus."""
    return small(
        "mini",
        Scale(
            world=WorldConfig(),
            shard_rows=256,
            d_model=96,
            locality=(1.0, 0.4, 0.1),
            pieces=1000,
            generator_steps=750,  # with 500, one seed of three lost ten points of coverage
            generator_rows=TaskRows(extraction=14, generation=34, comprehension=16),
            beam=6,
            inbatch=(260, 96, 2e-3),
            global_=(80, 32, 1e-3),
            finetune=(450, 32, 1.5e-3),
            multihop=(800, 32, 1.5e-3),
            closed_passages=(140, 96, 3e-3),
            closed_questions=(400, 4e-3),
            repaq=(200, 32, 1e-3),
            reranker=(80, 16, 1e-3),
            candidates=(16, 8),
            passage_rows=ALL_PASSAGE_ROWS,
            passages=3,
            dpr=(200, 32, 1e-3),
            fid=(200, 32, 3e-3),
            extractive=(200, 32, 3e-3),
            mdr=(600, 32, 3e-3),
            two_hop_fid=(200, 32, 3e-3),
            slots=4,
            hop_slots=2,
            larger=(128, (1.0, 0.5, 0.2, 0.05)),
            deeper=(10, 20, 30),
            example_shares=(0.05, 0.25, 0.5, 1.0),
            second=SecondScale(
                inbatch=(100, 64), global_=(40, 32), finetune=(150, 32), multihop=(300, 32), repaq=(80, 32)
            ),
        ),
    )
