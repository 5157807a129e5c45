"""`make gpu-smoke`: does training run well on a GPU? Trains both pre-training stages for a few hundred steps and tells.

The memory is clozes of the passages (a sentence with a name taken out), so no generator is needed; weights are random.
For each stage: the time of a step, tokens/s (all pieces that a batch holds, padding included), the share of the chip's
peak that its matrix products reach (MFU, as `qamat plan` counts them), what a profile of three steps shows on top, and
the loss of every step in ``OUT/STAGE.csv``. Without a GPU it says so in one line and ends well.
"""

import argparse
import csv
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jax
import numpy as np
from jax.profiler import ProfileData

from qamat_core.planning.chips import CHIPS
from qamat_core.planning.flops import count_flops
from qamat_core.qamat.batches import global_batch, in_batch
from qamat_core.qamat.entries import MemoryEntries, tokenise_entries
from qamat_core.qamat.index import IndexCard, encode_entries, load_index
from qamat_core.qamat.objectives import global_loss, in_batch_loss
from qamat_core.qamat.reader import Reader
from qamat_core.qamat.search import FrozenMemory, place_memory
from qamat_core.t5.initialize import VOCABULARY_MULTIPLE, init_params
from qamat_core.t5.network import T5
from qamat_core.tokenizer import SENTINELS, Tokenizer
from qamat_core.training.checkpoint import Params
from qamat_core.training.loader import BatchOf, batch_stream
from qamat_core.training.mesh import current_mesh, place_batch, use_mesh
from qamat_core.training.optimizer import build_optimizer
from qamat_core.training.step import MEMORY, LossFn, compile_step, init_state
from schemas.errors import QamatError
from schemas.model import T5Config
from schemas.preset_models import Preset
from schemas.presets import preset
from schemas.qamat import IndexConfig, StageConfig
from schemas.training import MeshShape
from tests.benchmarks.smoke_corpus import Corpus, make_corpus, packed

WARM_STEPS, PROFILED_STEPS, TOP = 2, 3, 8
CONTAINERS = ("while", "call", "conditional")
"""Operations whose time is that of others."""


def main(arguments: Sequence[str]) -> int:
    """Run on the first device of a platform; return the exit status."""
    options = _parser().parse_args(arguments)
    if options.platform == "cpu":
        jax.config.update("jax_platforms", "cpu")
    try:
        device = jax.devices(options.platform)[0]
    except RuntimeError:
        say(f"no {options.platform.upper()}: skipped")
        return 0
    with TemporaryDirectory() as folder, use_mesh(MeshShape(data=1)):
        try:
            smoke(options, device, Path(folder))
        except QamatError as error:
            sys.stderr.write(f"gpu-smoke: {error}\n")
            return 1
        except jax.errors.JaxRuntimeError as error:
            if "out of memory" not in str(error).lower():
                raise
            reason = str(error).partition("\n")[0]
            sys.stderr.write(f"gpu-smoke: a step does not fit into memory ({reason}): give a lower --batch-size\n")
            return 1
    return 0


def smoke(options: argparse.Namespace, device: Any, folder: Path) -> None:
    """Train in-batch, encode the memory, train global; tell of each."""
    numbers = preset(options.preset)
    corpus = make_corpus(numbers, options.data, folder)
    training = numbers.over(widened(numbers, corpus.tokenizer)).training
    model = training.inbatch.model
    reader, params = Reader(model, corpus.tokenizer.sentinel(0)), init_params(T5(model.t5), 0)
    entries = MemoryEntries(corpus.store.open_table(corpus.memory), corpus.tokenizer, model)
    examples = packed(corpus, entries, reader, folder / "examples")
    said = f"preset {numbers.name}, {model.t5.dtype}, {len(entries):,} entries, {len(examples):,} masked passages"
    say(f"{device.device_kind}: {said}")
    size = options.batch_size or training.inbatch.training.batch_size
    sized = training.inbatch.training.model_copy(update={"batch_size": size})
    stage = training.inbatch.model_copy(update={"training": sized})
    batches = partial(in_batch, examples, entries, stage)
    show = partial(measure, steps=options.steps, out=Path(options.out), peak=CHIPS[options.platform].flops)
    trained = show("in-batch", stage, params, in_batch_loss(reader, stage), batches)
    began = time.monotonic()
    memory = encoded(corpus, entries, reader, trained, training.index, folder / "index")
    say(f"encode memory: {len(entries) / (time.monotonic() - began):,.0f} entries/s with compiling and tokenising")
    later = training.global_
    batches = partial(global_batch, examples, memory, options.batch_size or later.training.batch_size, 0)
    show("global", later, trained, global_loss(reader, later), batches)


def widened(numbers: Preset, tokenizer: Tokenizer) -> T5Config:
    """Return the preset's T5 with as many rows as its own tokenizer would give it, or this one if it has more."""
    ids = max(numbers.corpus.tokenizer.tokenizer.vocab_size + SENTINELS, tokenizer.vocab_size)
    rows = -(-ids // VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE
    return numbers.training.init.model.t5.model_copy(update={"vocab_size": rows})


def encoded(
    corpus: Corpus, entries: MemoryEntries, reader: Reader, params: Params, config: IndexConfig, directory: Path
) -> FrozenMemory:
    """Encode the memory into files and put it on the device."""
    quiet: Callable[[int, int], None] = lambda *_: None  # noqa: E731
    batches = entries.pairs.to_batches(4096)
    found = tokenise_entries(batches, len(entries), corpus.tokenizer, reader.config, directory / "tokens", quiet)
    encode_entries(reader, params, found, config, directory, quiet)
    nobody = {"memory": corpus.memory, "encoder": "0" * 64, "tokenizer": corpus.tokenizer.fingerprint}
    IndexCard(**nobody, entries=len(entries), dtype=config.dtype).save(directory)
    return place_memory(load_index(directory)[0], current_mesh())


def measure(
    stage: str,
    config: StageConfig,
    params: Params,
    loss: LossFn,
    batches: BatchOf,
    *,
    steps: int,
    out: Path,
    peak: float,
) -> Params:
    """Train a stage, tell what it costs, and return its parameters."""
    optimizer = build_optimizer(config.training.optimizer, steps)
    step = compile_step(optimizer, loss, config.training.accumulate)
    state, key, mesh = init_state(optimizer, params, current_mesh()), jax.random.key(0), current_mesh()
    losses: list[Any] = []
    stream = batch_stream(batches, WARM_STEPS + steps + PROFILED_STEPS)

    def advance(count: int) -> None:
        nonlocal state
        for _ in range(count):
            state, metrics = step(state, place_batch(next(stream), mesh), jax.random.fold_in(key, len(losses)))
            losses.append(metrics["loss"])
        jax.block_until_ready(state)

    flops = count_flops(step, state, place_batch(batches(0), mesh), key)
    began = time.perf_counter()
    advance(WARM_STEPS)
    compiled = time.perf_counter()
    advance(steps)
    seconds = (time.perf_counter() - compiled) / steps
    with TemporaryDirectory() as trace:
        with jax.profiler.trace(trace):
            advance(PROFILED_STEPS)
        costs = top_costs(Path(trace))
    curve = [float(value) for value in losses]
    out.mkdir(parents=True, exist_ok=True)
    with (out / f"{stage}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("step", "loss"), *enumerate(curve, start=1)])
    pieces = sum(part.size for name, part in batches(0).items() if name != MEMORY and np.ndim(part) == 2)
    utilisation, warm = 100 * flops / seconds / peak, compiled - began
    say(f"{stage}: {1000 * seconds:.1f} ms/step, {pieces / seconds:,.0f} tokens/s; {warm:.0f} s to compile")
    say(f"  {flops / 1e12:.3g} TFLOP/step: MFU {utilisation:.1f} % of {peak / 1e12:,.1f} TFLOP/s")
    say(f"  loss {curve[0]:.3f} -> {curve[-1]:.3f} after {len(curve)} steps: {out / f'{stage}.csv'}")
    for name, share in costs:
        say(f"  {share:5.1%}  {name}")
    return jax.device_get(state["params"])


def top_costs(trace: Path) -> list[tuple[str, float]]:
    """Return the operations that took longest in a profile, alike ones together, with their shares of all."""
    spent: Counter[str] = Counter()
    for file in trace.rglob("*.xplane.pb"):
        for plane in ProfileData.from_file(str(file)).planes:
            for event in (event for line in plane.lines for event in line.events):
                name = dict(event.stats).get("hlo_op") or (event.name if plane.name.startswith("/device:") else None)
                kind = str(name).partition(".")[0]
                if name and not kind.startswith(CONTAINERS):
                    spent[kind] += event.duration_ns
    return [(name, time / spent.total()) for name, time in spent.most_common(TOP)]


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="a file of passages, as `qamat corpus regenerate --passages` reads it")
    parser.add_argument("--steps", type=int, default=300, help="of each stage")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--batch-size", type=int, help="of each stage, in the place of the preset's")
    parser.add_argument("--platform", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--out", default="gpu-smoke", help="the folder of the curves")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
