"""Approximate search with ScaNN: a tree of partitions, scores from codes, the best scored again exactly.

Guo et al., "Accelerating Large-Scale Inference with Anisotropic Vector Quantization" (arXiv 1908.10396), with SOAR
(arXiv 2404.00774) where it is asked for. A small memory is searched whole.
"""

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float
from ml_dtypes import bfloat16

from qamat_core.indexes.protocol import Found
from schemas.errors import CorruptArtifactError
from schemas.qamat import ScannConfig

SMALL: Final = 4096
"""Fewer entries have no tree."""
_TOGETHER: Final = 128
"""Queries that a thread takes at once."""


@dataclass(frozen=True, eq=False)
class ScannSearch:
    """A searcher of ScaNN, over unit or other vectors, by inner product."""

    searcher: Any
    config: ScannConfig
    entries: int

    def nearest(self, queries: Float[np.ndarray, "N D"], k: int) -> Found:
        """Return about the best K entries of each query; the more are wanted, the more leaves are searched."""
        k = min(k, self.entries)
        queries = np.ascontiguousarray(queries, np.float32)
        more = max(1.0, k / self.config.neighbours)
        width = max(k, math.ceil(self.config.rescored * more))
        leaves = min(leaf_count(self.entries, self.config), math.ceil(self.config.leaves_searched * more))
        sizes = (k, None, None) if self.entries < SMALL else (k, min(width, self.entries), leaves)
        if len(queries) > _TOGETHER and len(os.sched_getaffinity(0)) > 1:
            rows, scores = self.searcher.search_batched_parallel(queries, *sizes, batch_size=_TOGETHER)
        else:
            rows, scores = self.searcher.search_batched(queries, *sizes)
        none = np.isnan(scores)
        return Found(np.where(none, -1, rows.astype(np.int32)), np.where(none, -np.inf, scores).astype(np.float32))

    def with_config(self, config: ScannConfig) -> "ScannSearch":
        """Return the same tree, searched otherwise."""
        return replace(self, config=config)

    def save(self, directory: Path) -> None:
        """Write the searcher's files into a directory."""
        directory.mkdir(parents=True, exist_ok=True)
        self.searcher.serialize(str(directory), relative_path=True)


def leaf_count(entries: int, config: ScannConfig) -> int:
    """Return the leaves of the tree."""
    return config.leaves or max(1, round(math.sqrt(entries)))


def build_scann(keys: np.ndarray, config: ScannConfig) -> ScannSearch:
    """Return a searcher of M >= 1 keys; ScaNN draws its first centres anew each time, so no two have the same bytes.

    Args:
        keys: [M, D]; ScaNN holds them for the last scores as they are, in bfloat16 or in float32.
        config: the tree and the codes.
    """
    from scann import scann_ops_pybind  # noqa: PLC0415  # takes a third of a second
    from scann.scann_ops.py.scann_builder import ReorderType  # noqa: PLC0415

    vectors = np.ascontiguousarray(keys, np.float32)
    entries = len(vectors)
    builder: Any = scann_ops_pybind.builder(vectors, min(config.neighbours, entries), "dot_product")
    if entries < SMALL:
        return ScannSearch(builder.score_brute_force().build(), config, entries)
    spilled: dict[str, Any] = {"soar_lambda": config.soar, "overretrieve_factor": 2.0} if config.soar else {}
    builder = builder.tree(
        num_leaves=leaf_count(entries, config),
        num_leaves_to_search=min(config.leaves_searched, leaf_count(entries, config)),
        training_sample_size=min(entries, config.sample),
        spherical=config.spherical,
        **spilled,
    )
    builder = builder.score_ah(config.code_width, anisotropic_quantization_threshold=config.threshold)
    kept = ReorderType.BFLOAT16 if keys.dtype == bfloat16 else ReorderType.FLOAT32
    return ScannSearch(builder.reorder(config.rescored, quantize=kept).build(), config, entries)


def load_scann(directory: Path, config: ScannConfig, entries: int) -> ScannSearch:
    """Open a searcher's files.

    Raises:
        CorruptArtifactError: they are none.
    """
    from scann import scann_ops_pybind  # noqa: PLC0415

    if not (directory / "scann_assets.pbtxt").is_file():
        raise CorruptArtifactError(f"{directory}: not a searcher of ScaNN; build it again")
    try:
        return ScannSearch(scann_ops_pybind.load_searcher(str(directory)), config, entries)
    except (RuntimeError, ValueError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise CorruptArtifactError(f"{directory}: not a searcher of ScaNN ({reason}); build it again") from error
