"""Questions a second, QAMAT's 32 entries against FiD's passages: equal random weights of T5-small's shape, one core.

QAMAT reads a question of 32 pieces behind 32 entries of 40; FiD reads 100 passages of 200 pieces, or 10. Both write 16
pieces with the same greedy decoder (the end token's embedding is zero, so nothing ends early), in float32, ids in and
ids out. "With search" both encode the question and search equally many vectors exactly and in the same way, QAMAT the
keys of its entries, FiD the vectors of passages. Each answers as many questions at a time as suit it on a core.
`transformers` has no FiD: its T5's encoder reads five passages at a time, what comes of them stands side by side, and
``generate`` decodes; its weights are the same.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from qamat_core.fid.reader import FidReader
from qamat_core.indexes.device import place_keys
from qamat_core.indexes.protocol import Found, Index
from qamat_core.planning.flops import count_flops
from qamat_core.qamat.inference import Answerer
from qamat_core.qamat.reader import Context, Reader
from qamat_core.qamat.search import FrozenMemory
from qamat_core.t5.conversion import from_transformers
from qamat_core.t5.decoding import untie
from schemas.fid import FidConfig
from schemas.model import EOS_ID, PAD_ID, T5Config
from schemas.qamat import QamatConfig
from tests.benchmarks.measure import Row, compare, interleave, one_core, require

EMBEDDING_SCALE = 0.05
"""Small beside what the layers add, so that the model does not merely repeat its input."""
MASK = 32_099

Answer = Callable[[], np.ndarray]
"""Answers some questions; gives what it wrote, [E, T]."""


class Work(NamedTuple):
    """The size of the task; T5-small's by default."""

    questions: int = 8
    """Answered at a time, but one by FiD of as many passages or more as this times 10."""
    question: int = 32
    entries: int = 32
    value: int = 40
    passages: tuple[int, ...] = (100, 10)
    passage: int = 200
    group: int = 5
    """Passages that FiD encodes at a time."""
    target: int = 16
    vectors: int = 200_000
    """That are searched."""
    layers: int = 6
    rounds: int = 3


QUICK = Work(2, 4, 2, 4, passages=(3, 2), passage=8, group=2, target=3, vectors=50, layers=1, rounds=1)


@dataclass(frozen=True)
class _Given:
    """No search: the first K rows, whatever is asked."""

    entries: int

    def __len__(self) -> int:
        return self.entries

    def search(self, queries: Float[np.ndarray, "N D"], k: int, banned: Int[np.ndarray, "N R"] | None = None) -> Found:
        del banned
        rows = np.broadcast_to(np.arange(k, dtype=np.int32), (len(queries), k))
        return Found(rows, np.zeros(rows.shape, np.float32))

    def without(self, rows: Int[np.ndarray, " X"]) -> "_Given":
        return _Given(self.entries - len(rows))


class Model(NamedTuple):
    """The same weights for all: a T5 of `transformers`, ours, and what is searched."""

    theirs: Any
    config: T5Config
    params: Any
    memory: FrozenMemory


def run(*, quick: bool) -> list[Row]:
    """Measure QAMAT against our FiD, with and without search, and against that of `transformers`, without."""
    versions = require("jax", "torch", "transformers")
    work = QUICK if quick else Work()
    with one_core():
        model = _model(work)
        return [row for passages in work.passages for row in _measure(model, work, passages, versions)]


def _measure(model: Model, work: Work, passages: int, versions: Mapping[str, str]) -> Iterator[Row]:
    count = 1 if passages >= 10 * work.questions else work.questions
    inputs = _ids(count, passages, work.passage)
    sides: dict[str, Answer] = {
        "qamat": _qamat(model, work, place_keys(np.asarray(model.memory.keys))),
        "qamat alone": _qamat(model, work, _Given(len(model.memory.keys))),
        "fid": _fid(model, work, inputs, searches=True),
        "fid alone": _fid(model, work, inputs, searches=False),
        "transformers": _transformers(model, work, inputs),
    }
    equal = int((sides["fid alone"]() == sides["transformers"]()).all(axis=1).sum())
    costs = interleave(sides, work.rounds)
    mine, its = _operations(model, work), _fid_operations(model, work, passages)
    note = (
        f"one core, float32, {work.target} pieces; operations a question without search {mine / 1e9:.4g} and "
        f"{its / 1e9:.4g} billion allow {its / mine:.3g}; {work.questions} and {count} questions at a time"
    )
    same = f"{note}; {equal} of {count} answers equal those of our FiD"
    what = "" if passages == work.passages[0] else f", {passages} passages"
    for measure, ours, peer, theirs, said in (
        ("questions/s", "qamat", "FiD", "fid", f"{note}; each searches {work.vectors} vectors"),
        ("questions/s without search", "qamat alone", "FiD", "fid alone", note),
        ("questions/s without search", "qamat alone", "FiD in transformers", "transformers", same),
    ):
        seconds = costs[ours].cpu / work.questions, costs[theirs].cpu / count
        yield compare(f"{measure}{what}", "questions/s", peer, 1, seconds, versions, said)


def _model(work: Work) -> Model:
    import torch  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    torch.set_num_threads(1)
    torch.manual_seed(0)
    settings: Any = transformers.T5Config(num_layers=work.layers, num_decoder_layers=work.layers)
    settings.decoder_start_token_id = PAD_ID
    theirs: Any = transformers.T5ForConditionalGeneration(settings).eval()
    with torch.no_grad():
        theirs.shared.weight.mul_(EMBEDDING_SCALE)
        theirs.shared.weight[EOS_ID] = 0
    tied = T5Config(
        variant="1.0",
        num_heads=8,
        d_ff=2048,
        num_encoder_layers=work.layers,
        num_decoder_layers=work.layers,
        tie_embeddings=True,
    )
    weights = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}
    config, params = untie(tied, from_transformers(weights, tied))
    keys = jnp.asarray(np.random.default_rng(1).standard_normal((work.vectors, config.d_model), np.float32))
    return Model(theirs, config, jax.device_put(params), FrozenMemory(keys, keys, _ids(work.vectors, work.value)))


def _ids(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(3, 32_000, shape).astype(np.int32)


def _reader(model: Model, work: Work) -> Reader:
    config = QamatConfig(
        t5=model.config, question_length=work.question, value_length=work.value, target_length=work.target
    )
    return Reader(config, MASK)


def _questions(work: Work, count: int) -> np.ndarray:
    questions = _ids(count, work.question)
    questions[:, 0] = MASK
    return questions


def _qamat(model: Model, work: Work, index: Index) -> Answer:
    answerer = Answerer(
        reader=_reader(model, work),
        params=model.params,
        memory=model.memory,
        index=index,
        rounds=1,
        slots=work.entries,
        retrieve=work.entries,
        batch_size=work.questions,
    )
    return lambda: answerer.answer(_questions(work, work.questions), work.entries).tokens


def _fid(model: Model, work: Work, inputs: np.ndarray, *, searches: bool) -> Answer:
    count, passages, length = inputs.shape
    settings = FidConfig(
        t5=model.config,
        passages=passages,
        passage_length=length,
        question_length=work.question if work.question < length else 1,
        target_length=work.target,
    )
    reader, index, asking = (
        FidReader(settings, work.group),
        place_keys(np.asarray(model.memory.keys)),
        _reader(model, work),
    )
    query = jax.jit(lambda params, tokens: asking.query(params, tokens, 1).vectors[:, 0])

    def answer() -> np.ndarray:
        if searches:
            index.search(np.asarray(query(model.params, _questions(work, count))), passages)
        return reader.answer(model.params, inputs, count)[0]

    return answer


def _transformers(model: Model, work: Work, inputs: np.ndarray) -> Answer:
    import torch  # noqa: PLC0415
    from transformers.modeling_outputs import BaseModelOutput  # noqa: PLC0415

    tokens = torch.tensor(inputs.reshape(-1, inputs.shape[-1]), dtype=torch.long)
    side_by_side = torch.ones(len(inputs), inputs[0].size, dtype=torch.long)
    lengths = {"max_new_tokens": work.target, "min_new_tokens": work.target}

    def answer() -> np.ndarray:
        with torch.inference_mode():
            encode = model.theirs.encoder
            parts = [
                encode(input_ids=part, attention_mask=torch.ones_like(part)).last_hidden_state
                for part in tokens.split(work.group)
            ]
            encoded = BaseModelOutput(last_hidden_state=torch.cat(parts).reshape(*side_by_side.shape, -1))
            found = model.theirs.generate(
                encoder_outputs=encoded, attention_mask=side_by_side, num_beams=1, do_sample=False, **lengths
            )
        return found[:, 1:].numpy()

    return answer


def _operations(model: Model, work: Work) -> float:
    """Count the products of QAMAT's answer to one question, the query's included."""
    reader = _reader(model, work)

    def answer(params: Any, tokens: jax.Array, entries: jax.Array) -> Any:
        query = reader.query(params, tokens, 1)
        return query.vectors, _written(
            reader.model, params, reader.read(params, tokens, entries, jnp.ones((1, work.entries))), work
        )

    return count_flops(answer, model.params, _questions(work, 1), _ids(1, work.entries, work.value))


def _fid_operations(model: Model, work: Work, passages: int) -> float:
    reader = FidReader(FidConfig(t5=model.config), work.group)

    def answer(params: Any, tokens: jax.Array) -> Any:
        return _written(reader.model, params, reader.read(params, tokens), work)

    return count_flops(answer, model.params, _ids(1, passages, work.passage))


def _written(network: Any, params: Any, context: Context, work: Work) -> Any:
    """Decode an answer all at once, which takes the products that it takes step by step."""
    return network.apply({"params": params}, *context, jnp.zeros((1, work.target), jnp.int32), method="decode")
