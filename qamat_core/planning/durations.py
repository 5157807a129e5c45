"""How long a job will take, by how long such jobs took before."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from types import MappingProxyType
from typing import Any, Final, Literal

from qamat_core.store.registry import RegistryRow
from qamat_core.store.store import Job
from schemas.artifacts import ArtifactRef

_WORDS: Final = frozenset({"seed", "split", "dataset", "row", "place", "places", "templates", "rerun", "reruns"})
"""Fields of a configuration that do not change how much there is to do."""
_SIZES: Final = frozenset({"d_model", "d_ff", "num_encoder_layers", "num_decoder_layers", "batch_size", "rows"})
"""Fields that change how long a step takes."""

MINI: Final[Mapping[str, float]] = MappingProxyType(
    {
        "tasks.build_world": 2.2,
        "tasks.train_tokenizer": 0.6,
        "tasks.train_generator": 0.112,
        "tasks.extract_answers": 4.0,
        "tasks.generate_questions": 5.4,
        "tasks.filter_questions": 6.7,
        "tasks.filter_open_domain": 9.1,
        "tasks.build_memory": 0.7,
        "tasks.mine_negatives": 1.8,
        "tasks.mine_multihop": 1.1,
        "tasks.compose_questions": 0.3,
        "tasks.audit_corpus": 0.7,
        "tasks.init_qamat": 2.1,
        "tasks.train_inbatch": 0.594,
        "tasks.build_index": 2.3,
        "tasks.train_global": 0.263,
        "tasks.train_finetune": 0.166,
        "tasks.train_closed_book": 0.282,
        "tasks.train_multihop": 0.285,
        "tasks.train_repaq": 0.42,
        "tasks.train_reranker": 0.284,
        "tasks.index_passages": 0.5,
        "tasks.retrieve_passages": 1.0,
        "tasks.train_dpr": 0.17,
        "tasks.encode_passages": 2.8,
        "tasks.train_fid": 0.26,
        "tasks.train_extractive": 0.26,
        "tasks.evaluate_passages": 14.0,
        "tasks.evaluate": 5.3,
        "tasks.evaluate_repaq": 15.3,
        "tasks.evaluate_bm25": 0.3,
        "tasks.import_drawn": 5.2,
        "tasks.complement_passages": 1.3,
        "tasks.reverse_questions": 32.0,
        "tasks.calibrate": 0.5,
        "tasks.audit_attribution": 12.3,
        "tasks.measure_abstention": 3.1,
        "tasks.summarise_predictions": 0.1,
        "tasks.judge_claims": 0.5,
        "tasks.build_report": 1.1,
    }
)
"""Module -> seconds a unit of work at the preset `mini` on two cores: a unit is a step of training, a K of answering,
else the whole job. Read from registries, the shortest of each; what reads passages is the processor's time on a busy
machine, over 1.8 cores."""

Origin = Literal["home", "reference"]


@dataclass(frozen=True)
class Estimate:
    """How long a job may take, and what says so: this home's own jobs, or the reference."""

    seconds: float
    origin: Origin


@dataclass(frozen=True)
class _Work:
    """A job that was done or is planned: what it is, and what it reads."""

    module: str
    config: Mapping[str, Any]
    inputs: tuple[str, ...]
    seconds: float = 0.0

    @staticmethod
    def of(module: str, config: str, inputs: Iterable[ArtifactRef], seconds: float = 0.0) -> "_Work":
        return _Work(module, json.loads(config), tuple(sorted(ref.key for ref in inputs)), seconds)

    @cached_property
    def content(self) -> Mapping[str, Any]:
        return _without(self.config)

    @cached_property
    def sizes(self) -> Sequence[tuple[str, object]]:
        return sorted((name, json.dumps(value)) for name, value in _leaves(self.config) if name in _SIZES)

    @cached_property
    def units(self) -> float:
        """Steps of training, else numbers of entries that are answered with, else 1."""
        steps = sum(value for name, value in _leaves(self.config) if name == "steps")
        return steps or len(self.config.get("ks", ())) or 1


@dataclass
class Durations:
    """Knows the jobs of a home; those of the same module over the same sources say how long the next one takes.

    The median of them: one that a busy machine drew out is not what comes.

    ``reference`` gives seconds a unit where the home has no such job: module -> seconds.
    """

    rows: Sequence[RegistryRow]
    reference: Mapping[str, float] = field(default_factory=dict[str, float])
    _works: dict[str, _Work] = field(default_factory=dict[str, _Work])
    _done: dict[tuple[str, object], list[_Work]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        """Sort what was done by module and sources."""
        for row in self.rows:
            self._works[row.ref.key] = _Work.of(row.module, row.config, row.inputs.values(), row.seconds)
        for row in self.rows:
            work = self._works[row.ref.key]
            self._done[work.module, self._sources(work)].append(work)

    def estimate(self, job: Job) -> Estimate | None:
        """Return how long a job may take; None if nothing says so. Jobs are asked about after those they read."""
        work = _Work.of(job.module, job.config.model_dump_json(), job.inputs.values())
        self._works |= dict.fromkeys(job.keys().values(), work)
        done = self._done[work.module, self._sources(work)]
        same = [one for one in done if one.content == work.content]
        alike = same or [one for one in done if one.sizes and one.sizes == work.sizes]
        if alike:
            return Estimate(median(one.seconds / one.units for one in alike) * work.units, "home")
        if work.module in self.reference:
            return Estimate(self.reference[work.module] * work.units, "reference")
        return None

    def _sources(self, work: _Work) -> frozenset[str]:
        """Return what a job comes of in the end: the jobs among its ancestors that read nothing; told by no seed."""
        found: set[str] = set()
        seen: set[str] = set()
        waiting = [work]
        for one in waiting:
            if not one.inputs:
                found.add(json.dumps([one.module, one.content], sort_keys=True))
            new = [key for key in one.inputs if key not in seen and key in self._works]
            seen.update(new)
            waiting += [self._works[key] for key in new]
        return frozenset(found)


def _without(value: Any) -> Any:
    """Return a configuration without the fields that do not change how much there is to do."""
    if isinstance(value, dict):
        return {name: _without(part) for name, part in value.items() if name not in _WORDS}
    return [_without(part) for part in value] if isinstance(value, list) else value


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the name and value of every field inside a configuration."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, key)
    else:
        yield name, value
