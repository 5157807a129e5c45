"""What each term of the objective does: the preset's recipe, changed in one thing.

Every variant is trained through all stages over the gold memory, so that nothing but the change tells them apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flows import steps
from flows.study import Study, ask_largest, largest_k, single_hop
from schemas.artifacts import ArtifactRef
from schemas.evaluation import CurveConfig
from schemas.preset_models import TrainingPreset
from schemas.study_orders import MemoryKind

_KIND: Final[MemoryKind] = "gold"


@dataclass(frozen=True)
class Variant:
    """One change to the stages of a preset."""

    row: str
    label: str
    """Stands in the names of its artifacts; the preset's own models have none."""
    change: Callable[[TrainingPreset], TrainingPreset] = lambda stages: stages


def _balanced(balance: float) -> Variant:
    label = f"lambda-{round(100 * balance)}"
    return Variant(f"Lambda {balance:g}", label, lambda stages: stages.everywhere("balance", balance))


VARIANTS: Final = (
    Variant("As the preset", ""),
    Variant("Latent term alone", "latent", lambda stages: stages.everywhere("retrieval_loss_weight", 0.0)),
    Variant("Contrastive term alone", "contrastive", lambda stages: stages.everywhere("latent_gradient", False)),
    _balanced(0.25),
    _balanced(4.0),
)


def ablations(study: Study) -> list[ArtifactRef]:
    """Train every variant with every seed, ask it the single-hop questions, and keep the curves of its first stage."""
    return [metrics for variant in VARIANTS for metrics in _measure(study, variant)]


def _measure(study: Study, variant: Variant) -> list[ArtifactRef]:
    k, name = largest_k(study), "-".join(filter(None, (study.name, _KIND, variant.label)))
    models = [study.model(_KIND, seed, variant.label, variant.change) for seed in study.seeds]
    runs = [
        ask_largest(study, model.finetuned, f"{name}-ablation-s{seed}")
        for seed, model in zip(study.seeds, models, strict=True)
    ]
    place = single_hop(study, "ablations", variant.row, _KIND, k=k)
    curve = CurveConfig(place=single_hop(study, "ablations", variant.row, _KIND))
    checkpoints = [model.inbatch.checkpoint for model in models]
    return [
        study.summarise([place], runs, f"{name}-ablation-{study.split}", (1, k)),
        steps.summarise_curves(curve, checkpoints, name=f"{name}-inbatch-curve", resources=study.resources),
    ]
