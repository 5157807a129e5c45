"""At the paper's scale, what the stages' programs hold and do on 32 and 64 devices is what arithmetic by hand says.

Traced only, and on meshes without devices: nothing is compiled. docs/planning.md has the same formulas in words.
"""

from functools import cache

import pytest
from jax.sharding import AbstractMesh, AxisType, use_abstract_mesh

from qamat_core.planning.costs import bytes_of
from qamat_core.planning.programs import STAGES, batches_of, check_mesh, programs
from qamat_core.planning.shapes import Program
from qamat_core.training.partitioning import AXES
from schemas.errors import ConfigError
from schemas.model import T5Config
from schemas.preset_models import Preset
from schemas.presets import preset

ENTRIES = 60_000_000
KEY, VALUE, TARGET = 32, 40, 32


def mesh_of(data: int, model: int) -> AbstractMesh:
    return AbstractMesh((data, model), AXES, axis_types=(AxisType.Auto,) * 2)


@cache
def planned(name: str, data: int, model: int) -> dict[str, Program]:
    return {one.stage: one for one in programs(preset(name), ENTRIES, mesh_of(data, model))}  # pyright: ignore


class ByHand:
    """Operations of all devices together, for the forward pass of parts of a T5."""

    def __init__(self, t5: T5Config) -> None:
        self.t5, self.d, self.f, self.h = t5, t5.d_model, t5.d_ff, t5.num_heads * t5.head_dim
        self.again = 4 if t5.remat else 3
        """A backward pass is two forward ones; layers that are computed again are less than another one: the last
        product of each is not."""

    def encoder(self, texts: int, length: int) -> float:
        d, f, h = self.d, self.f, self.h
        return texts * length * self.t5.num_encoder_layers * 2 * (4 * d * h + 3 * d * f + 2 * length * h)

    def decoder(self, texts: int, length: int, source: int, beams: int = 1) -> float:
        d, f, h = self.d, self.f, self.h
        tokens = length * beams
        target = 6 * d * h + 3 * d * f + 2 * tokens * h + 2 * source * h
        return texts * self.t5.num_decoder_layers * 2 * (tokens * target + source * 2 * d * h)

    def output(self, tokens: int) -> float:
        return 2 * tokens * self.d * self.t5.vocab_size

    def trained(self, layers: float, tokens: int) -> float:
        return self.again * layers + 3 * self.output(tokens)

    def search(self, queries: int) -> float:
        return 2 * queries * ENTRIES * self.d

    @property
    def parameters(self) -> int:
        d, f, h = self.d, self.f, self.h
        layers = self.t5.num_encoder_layers * (4 * d * h + 3 * d * f) + self.t5.num_decoder_layers * (
            8 * d * h + 3 * d * f
        )
        return 2 * self.t5.vocab_size * d + layers


def operations(stage: str, numbers: Preset) -> float:
    """Return the operations of a step of a stage, from the numbers of the paper's presets."""
    one, corpus = ByHand(numbers.training.inbatch.model.t5), numbers.corpus
    match stage:
        case "in-batch":
            read = 256 + 4 * VALUE
            layers = one.encoder(512, 256) + one.encoder(4096, KEY) + one.encoder(4 * 512, VALUE)
            layers += one.encoder(512, read) + one.decoder(512, TARGET, read)
            return one.trained(layers, 512 * TARGET)
        case "encoding":
            return one.encoder(2048, VALUE)
        case "global" | "fine-tune":
            length, top_k = (256, 16) if stage == "global" else (64, 32)
            read = length + top_k * VALUE
            layers = one.encoder(32, length) + one.encoder(32, read) + one.decoder(32, TARGET, read)
            return one.trained(layers, 32 * TARGET) + one.search(32)
        case "multi-hop":
            first, read = 64 + 16 * VALUE, 64 + 32 * VALUE
            layers = one.encoder(32, 64) + one.encoder(32, first) + one.encoder(32, read)
            layers += one.decoder(32, TARGET, read)
            searches = 1 + 3  # the first one's ranking is part of the loss
            return one.trained(layers, 32 * TARGET) + searches * one.search(32)
        case "extraction" | "generation" | "filter":
            rows, length, written, beams = {
                "extraction": (corpus.answers.shape.rows, 256, 32, 8),
                "generation": (corpus.questions.shape.rows, 256, 40, 1),
                "filter": (corpus.filter.shape.rows, 256 + 40, 32, 1),
            }[stage]
            layers = one.encoder(rows, length) + one.decoder(rows, written, length, beams)
            return layers + one.output(rows * written * beams)
        case _:
            raise AssertionError(stage)


QUICK = {("base", "in-batch"), ("base", "encoding"), ("large", "encoding"), ("large", "generation")}


@pytest.mark.parametrize(
    ("name", "stage", "model"),
    [
        pytest.param(name, stage, model, marks=() if model == 1 and (name, stage) in QUICK else pytest.mark.slow)
        for name in ("base", "large")
        for stage in STAGES
        for model in (1, 2)
    ],
)
def test_operations_are_those_by_hand(name: str, stage: str, model: int) -> None:
    mesh = mesh_of(32, model)
    with use_abstract_mesh(mesh):
        counted = planned(name, 32, model)[stage].operations()
    devices = mesh.size if stage in STAGES[-3:] else 1  # each device decodes batches of its own
    assert counted == pytest.approx(devices * operations(stage, preset(name)), rel=0.1)


@pytest.mark.parametrize("name", ["base", "large"])
@pytest.mark.parametrize(("data", "model"), [(32, 1), (32, 2)])
def test_bytes_are_those_by_hand(name: str, data: int, model: int) -> None:
    program = planned(name, data, model)["global"]
    t5 = preset(name).training.inbatch.model.t5
    share = ENTRIES / (data * model)
    kinds = {kind: bytes_of(part) for kind, part in program.kinds.items()}
    assert kinds["parameters"] == pytest.approx(ByHand(t5).parameters / model * 4, rel=0.01)
    assert kinds["memory keys"] == pytest.approx(share * t5.d_model * 2, rel=0.01)
    assert kinds["memory values"] == kinds["memory keys"]
    assert kinds["value tokens"] == pytest.approx(share * VALUE * 2, rel=0.01)


def test_runs_are_steps_or_the_batches_that_a_memory_takes() -> None:
    runs = {stage: one.runs for stage, one in planned("base", 32, 1).items()}
    assert tuple(runs) == STAGES
    assert runs["in-batch"] == runs["global"] == 100_000
    assert runs["encoding"] == 2 * -(-ENTRIES // 2048)
    assert runs["generation"] == runs["filter"] == -(-ENTRIES // (512 * 32))  # a question an entry
    assert runs["extraction"] == -(-ENTRIES // 8 // (64 * 32))  # eight answers a passage


def test_a_mesh_that_divides_unevenly_is_refused_in_one_line() -> None:
    base = preset("base")
    assert min(batches_of(base).values()) == 32
    with pytest.raises(ConfigError, match="global: the mesh's data axis of 64 does not divide the 32 rows"):
        check_mesh(base, mesh_of(64, 1))  # pyright: ignore
    with pytest.raises(ConfigError, match="model axis of 8 does not divide the 12 attention heads"):
        check_mesh(base, mesh_of(4, 8))  # pyright: ignore
