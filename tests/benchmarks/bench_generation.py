"""Generation against `transformers` and CTranslate2: the same random weights of T5-small's shape, the same core.

Every model reads 32 sources of 128 pieces and writes 32 pieces of each: the end token's embedding is zero, so nothing
ends early. All three run in this process on one core with one thread, in float32, ids in and ids out; the speed is in
pieces a second of processor time, which other work on the machine disturbs least.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from qamat_core.generation.generator import Search, decode_tokens
from qamat_core.t5.conversion import from_transformers
from qamat_core.t5.decoding import untie
from qamat_core.t5.network import T5
from schemas.model import EOS_ID, PAD_ID, T5Config
from tests.benchmarks.measure import Row, compare, interleave, one_core, require

Ids = np.ndarray
Decode = Callable[[int], Ids]
"""Takes the number of beams; gives the best sequence of each row, [B, T]."""
PEERS = ("transformers", "ctranslate2")
EMBEDDING_SCALE = 0.05
"""Small beside what the layers add, so that the model does not merely repeat its input."""


class Work(NamedTuple):
    """The size of the task; T5-small's by default."""

    rows: int = 32
    source: int = 128
    target: int = 32
    layers: int = 6
    rounds: int = 5


def run(*, quick: bool) -> list[Row]:
    """Measure greedy and beam search of four against both peers."""
    versions = require("jax", "torch", *PEERS)
    work = Work(rows=4, source=16, target=4, layers=1, rounds=1) if quick else Work()
    with one_core(), tempfile.TemporaryDirectory() as folder:
        model, path = _random_model(work), Path(folder)
        model.save_pretrained(path / "transformers")
        sources = np.random.default_rng(0).integers(3, 32_000, (work.rows, work.source)).astype(np.int32)
        decoders = {
            "qamat": _ours(model, work, sources),
            "transformers": _transformers(model, work, sources),
            "ctranslate2": _ctranslate2(path, work, sources),
        }
        return [row for beams in (1, 4) for row in _measure(decoders, beams, work, versions)]


def _measure(decoders: Mapping[str, Decode], beams: int, work: Work, versions: Mapping[str, str]) -> Iterator[Row]:
    found = {name: decode(beams) for name, decode in decoders.items()}
    costs = interleave({name: partial(decode, beams) for name, decode in decoders.items()}, work.rounds)
    for peer in PEERS:
        equal = int((found["qamat"] == found[peer]).all(axis=1).sum())
        yield compare(
            "greedy" if beams == 1 else f"beam {beams}",
            "pieces/s",
            peer,
            work.rows * work.target,
            (costs["qamat"].cpu, costs[peer].cpu),
            versions,
            f"one core, float32, {work.rows} rows, {work.source} -> {work.target}; {equal} rows come out equal",
        )


def _random_model(work: Work) -> Any:
    import torch  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    torch.set_num_threads(1)
    torch.manual_seed(0)
    config: Any = transformers.T5Config(num_layers=work.layers, num_decoder_layers=work.layers)
    config.decoder_start_token_id = PAD_ID
    model: Any = transformers.T5ForConditionalGeneration(config).eval()
    with torch.no_grad():
        model.shared.weight.mul_(EMBEDDING_SCALE)
        model.shared.weight[EOS_ID] = 0
    return model


def _ours(model: Any, work: Work, sources: Ids) -> Decode:
    tied = T5Config(
        variant="1.0",
        num_heads=8,
        d_ff=2048,
        num_encoder_layers=work.layers,
        num_decoder_layers=work.layers,
        tie_embeddings=True,
    )
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    config, params = untie(tied, from_transformers(weights, tied))
    params = jax.device_put(params)
    programs = {
        beams: jax.jit(partial(decode_tokens, T5(config), Search(work.target, beams), count=work.rows))
        .lower(params, sources)
        .compile()
        for beams in (1, 4)
    }
    return lambda beams: np.asarray(programs[beams](params, sources)[0])[:, 0]


def _transformers(model: Any, work: Work, sources: Ids) -> Decode:
    import torch  # noqa: PLC0415

    tokens = torch.tensor(sources, dtype=torch.long)
    mask = torch.ones_like(tokens)
    lengths = {"max_new_tokens": work.target, "min_new_tokens": work.target}

    def decode(beams: int) -> Ids:
        with torch.inference_mode():
            found = model.generate(tokens, attention_mask=mask, num_beams=beams, do_sample=False, **lengths)
        return found[:, 1:].numpy()

    return decode


def _ctranslate2(folder: Path, work: Work, sources: Ids) -> Decode:
    import ctranslate2  # noqa: PLC0415

    theirs: Any = ctranslate2
    where = str(folder / "ctranslate2")
    theirs.converters.TransformersConverter(str(folder / "transformers")).convert(where)
    translator = theirs.Translator(where, device="cpu", compute_type="float32", inter_threads=1, intra_threads=1)
    pieces: list[str] = json.loads((folder / "ctranslate2" / "shared_vocabulary.json").read_text())
    ids = {piece: place for place, piece in enumerate(pieces)}
    batch = [[pieces[one] for one in row] for row in sources.tolist()]
    lengths = {"max_decoding_length": work.target, "min_decoding_length": work.target, "max_input_length": 0}

    def decode(beams: int) -> Ids:
        found = translator.translate_batch(batch, beam_size=beams, **lengths)
        return np.asarray([[ids[piece] for piece in one.hypotheses[0]] for one in found])

    return decode
