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
        "tasks.build_world": 1.9,
        "tasks.train_tokenizer": 0.609,
        "tasks.train_generator": 0.136,
        "tasks.extract_answers": 7.2,
        "tasks.generate_questions": 9.7,
        "tasks.filter_questions": 10.9,
        "tasks.filter_open_domain": 16.0,
        "tasks.build_memory": 1.1,
        "tasks.mine_negatives": 2.2,
        "tasks.mine_multihop": 1.1,
        "tasks.compose_questions": 0.387,
        "tasks.audit_corpus": 0.823,
        "tasks.init_qamat": 0.562,
        "tasks.train_inbatch": 0.457,
        "tasks.build_index": 1.9,
        "tasks.train_global": 0.192,
        "tasks.train_finetune": 0.121,
        "tasks.train_closed_book": 0.046,
        "tasks.train_multihop": 0.118,
        "tasks.train_repaq": 0.248,
        "tasks.train_reranker": 0.539,
        "tasks.index_passages": 0.116,
        "tasks.retrieve_passages": 0.779,
        "tasks.retrieve_hops": 8.4,
        "tasks.train_dpr": 0.112,
        "tasks.encode_passages": 2.4,
        "tasks.train_fid": 0.242,
        "tasks.train_extractive": 0.214,
        "tasks.train_mdr": 0.261,
        "tasks.evaluate_passages": 7.6,
        "tasks.evaluate": 3.4,
        "tasks.evaluate_repaq": 1.6,
        "tasks.evaluate_bm25": 0.48,
        "tasks.import_drawn": 1.4,
        "tasks.complement_passages": 0.277,
        "tasks.reverse_questions": 3.3,
        "tasks.calibrate": 0.163,
        "tasks.audit_attribution": 4.6,
        "tasks.measure_abstention": 1.1,
        "tasks.summarise_predictions": 0.132,
        "tasks.measure_speed": 27.6,
        "tasks.judge_claims": 1.8,
        "tasks.build_report": 6.9,
    }
)
"""Module -> seconds a unit of work at the preset `mini` on two cores: a unit is a step of training, a K of answering,
else the whole job. The median of each in the registry of three seeds, which other work had made slower now and then; of
what grows with the seeds, that of one."""

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
