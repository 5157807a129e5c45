"""What speaks for an answer: how well its confidence tells right from wrong, and whether it rests on what it shows.

Both are of the fine-tuned model over the generated memory, at the largest K.
"""

from typing import Final

from flows import steps
from flows.study import Study, ask_finetuned, largest_k, single_hop
from schemas.artifacts import ArtifactRef
from schemas.evaluation import AbstentionConfig, AttributionConfig, CalibrateConfig
from schemas.qamat import EvaluationConfig
from schemas.study_orders import MemoryKind
from schemas.world import Split
from tasks.audit_attribution import AttributionInputs, AttributionRefs
from tasks.calibrate import CalibrateInputs
from tasks.measure_abstention import AbstentionRun

_KIND: Final[MemoryKind] = "generated"


def abstention(study: Study) -> list[ArtifactRef]:
    """Calibrate every seed's confidence, and measure what is gained where the model abstains."""
    k = largest_k(study)
    runs = [AbstentionRun(ask_finetuned(study, _KIND, seed)[k], calibration(study, seed)) for seed in study.seeds]
    config = AbstentionConfig(place=single_hop(study, "abstention", "", _KIND, k=k))
    name = f"{study.name}-abstention-{study.split}"
    return [steps.measure_abstention(config, runs, name=name, resources=study.resources)]


def calibration(study: Study, seed: int) -> ArtifactRef:
    """Calibrate a seed's model on dev; where dev itself is measured, on the questions that it was trained on."""
    k = largest_k(study)
    split: Split = "train" if study.split == "dev" else "dev"
    model = study.model(_KIND, seed).finetuned
    reading = EvaluationConfig.model_validate({**dict(study.numbers.evaluation.single_hop), "ks": (k,)})
    name = f"{study.name}-{_KIND}-s{seed}-{split}"
    answered = study.ask(reading, model, study.world.questions[split], name)[k]
    inputs = CalibrateInputs(answered, model.checkpoint, model.index)
    return steps.calibrate(CalibrateConfig(k=k), inputs, name=name, resources=study.resources)


def attribution(study: Study) -> list[ArtifactRef]:
    """Audit what the first seed's answers rest on."""
    return [audit(study).metrics]


def audit(study: Study) -> AttributionRefs:
    """Take entries that answers rest on out of the memory, and ask again."""
    k = largest_k(study)
    config = AttributionConfig(
        place=single_hop(study, "attribution", "", _KIND, k=k), reading=study.numbers.evaluation.single_hop
    )
    model = study.model(_KIND, 0).finetuned
    inputs = AttributionInputs(model.checkpoint, model.index, study.world.questions[study.split])
    name = f"{study.name}-attribution-{study.split}"
    return steps.audit_attribution(config, inputs, name=name, resources=study.resources)
