"""What each term of the objective and each memory representation does: the preset's recipe, changed in one thing.

Every variant is trained through all stages over the gold memory, so that nothing but the change tells them apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flows import steps
from flows.study import Study
from schemas.artifacts import ArtifactRef
from schemas.evaluation import CurveConfig, Place
from schemas.orders import MemoryKind
from schemas.preset_models import TrainingPreset
from schemas.qamat import EvaluationConfig, Integration

_KIND: Final[MemoryKind] = "gold"


@dataclass(frozen=True)
class Variant:
    """One change to the stages of a preset."""

    row: str
    label: str
    """Stands in the names of its artifacts; the preset's own models have none."""
    change: Callable[[TrainingPreset], TrainingPreset] = lambda stages: stages
    read: tuple[tuple[str, Integration], ...] = (("", "discrete"),)
    """What is read at inference; each is a row, named after the variant's by the words in front."""


def _balanced(balance: float) -> Variant:
    label = f"lambda-{round(100 * balance)}"
    return Variant(f"Lambda {balance:g}", label, lambda stages: stages.everywhere("balance", balance))


VARIANTS: Final = (
    Variant("As the preset", ""),
    Variant("Latent term alone", "latent", lambda stages: stages.everywhere("retrieval_loss_weight", 0.0)),
    Variant("Contrastive term alone", "contrastive", lambda stages: stages.everywhere("latent_gradient", False)),
    Variant(
        "Neural part alone",
        "neural",
        lambda stages: stages.everywhere("integration", "neural"),
        read=(("", "neural"),),
    ),
    Variant("Discrete part alone", "discrete", lambda stages: stages.everywhere("integration", "discrete")),
    Variant(
        "Both parts",
        "both",
        lambda stages: stages.everywhere("integration", "both"),
        read=(("", "both"), (", neural part dropped", "discrete")),
    ),
    _balanced(0.25),
    _balanced(4.0),
)


def ablations(study: Study) -> list[ArtifactRef]:
    """Train every variant with every seed, ask it the single-hop questions, and keep the curves of its first stage."""
    return [metrics for variant in VARIANTS for metrics in _measure(study, variant)]


def _measure(study: Study, variant: Variant) -> list[ArtifactRef]:
    config = study.numbers.evaluation.single_hop
    k = max(config.ks)
    models = [study.model(_KIND, seed, variant.label, variant.change) for seed in study.seeds]
    metrics: list[ArtifactRef] = []
    for words, integration in variant.read:
        reading = EvaluationConfig.model_validate({**dict(config), "integration": integration})
        name = "-".join(filter(None, (study.name, _KIND, variant.label, "reads", integration)))
        runs = [
            study.ask(reading, model.finetuned, study.world.questions[study.split], f"{name}-s{seed}-{study.split}")[k]
            for seed, model in zip(study.seeds, models, strict=True)
        ]
        place = _place(study, variant.row + words, k)
        metrics.append(study.summarise([place], runs, f"{name}-{study.split}", (1, k)))
    curve = CurveConfig(place=_place(study, variant.row, None))
    name = "-".join(filter(None, (study.name, _KIND, variant.label, "inbatch-curve")))
    checkpoints = [model.inbatch.checkpoint for model in models]
    return [*metrics, steps.summarise_curves(curve, checkpoints, name=name, resources=study.resources)]


def _place(study: Study, row: str, k: int | None) -> Place:
    return Place(
        table="ablations",
        row=row,
        dataset="world",
        split=study.split,
        memory=_KIND,
        model_size=study.numbers.name,
        k=k,
    )
