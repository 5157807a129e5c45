"""What each memory representation is worth (section 3.4): models that read entries as vectors, as text, or as both.

All start from the same stage one, the preset's own over the generated memory, and are trained and asked with one part
or with both from there on, so that what is read alone tells them apart. The preset's own model is one of them.
"""

from dataclasses import dataclass
from typing import Final

from flows.study import Study, ask_largest, largest_k, single_hop
from flows.training import train_global
from schemas.artifacts import ArtifactRef, Pretrained
from schemas.qamat import Integration
from schemas.study_orders import MemoryKind

_KIND: Final[MemoryKind] = "generated"


@dataclass(frozen=True)
class Reading:
    """A row: the part that a model was trained to read, and the part that it reads where it answers."""

    row: str
    trained: Integration
    read: Integration


READINGS: Final = (
    Reading("Neural part alone", "neural", "neural"),
    Reading("Discrete part alone", "discrete", "discrete"),
    Reading("Both parts", "both", "both"),
    Reading("Both parts, neural part dropped", "both", "discrete"),
)


def integration(study: Study) -> list[ArtifactRef]:
    """Train with the neural part, the discrete part and both; after training with both, drop the neural one too."""
    return [_measure(study, reading) for reading in READINGS]


def _measure(study: Study, reading: Reading) -> ArtifactRef:
    k, name = largest_k(study), f"{study.name}-{_KIND}-{reading.trained}-reads-{reading.read}"
    runs = [
        ask_largest(study, trained_with(study, reading.trained, seed), f"{name}-s{seed}", integration=reading.read)
        for seed in study.seeds
    ]
    return study.summarise([single_hop(study, "integration", reading.row, _KIND, k=k)], runs, name, (1, k))


def trained_with(study: Study, part: Integration, seed: int) -> Pretrained:
    """Return the fine-tuned model of a seed that reads a part after stage one: the preset's own where it does."""
    stages, own = study.numbers.training.seeded(seed), study.model(_KIND, seed)
    changed = stages.everywhere("integration", part)
    if (changed.global_, changed.finetune) == (stages.global_, stages.finetune):
        return own.finetuned
    name = f"{study.name}-{_KIND}-after-{part}-s{seed}"
    memory = study.memory(_KIND)
    pretrained = train_global(changed.global_, own.inbatch, memory, name=name, resources=study.resources)
    return study.finetune(changed.finetune, pretrained, _KIND, name)
