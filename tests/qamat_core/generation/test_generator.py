"""The generator's results depend on the prompt alone: not on its neighbours, its order, or the thread that asks."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np
import pytest

from qamat_core.generation import generator as generator_module
from qamat_core.generation.generator import Candidate, Generator, Search, decode_tokens
from qamat_core.generation.training import STAGE, fit_vocabulary, init_params
from qamat_core.t5.network import T5
from qamat_core.tokenizer import Tokenizer, train_sentencepiece
from qamat_core.training.checkpoint import CheckpointCard, save_checkpoint
from schemas.artifacts import ArtifactRef
from schemas.errors import IncompatibleArtifactError
from schemas.generation import BatchShape, GeneratorConfig
from schemas.model import T5Config
from schemas.training import TokenizerConfig

PROMPTS = [f"{name} lies in {place}." for name in ("Holm", "Bolgrad", "Dral") for place in ("Toronia", "X", "Y Z")]
SHAPE = BatchShape(rows=4, buckets=(8,))
REF = ArtifactRef(kind="tokenizer", name="t", version=0, key="0" * 64, content="0" * 64, uri="t")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(train_sentencepiece(PROMPTS, TokenizerConfig(vocab_size=40)))


@pytest.fixture(scope="module")
def config(tokenizer: Tokenizer) -> GeneratorConfig:
    shape = T5Config(
        d_model=16, num_heads=2, head_dim=8, d_ff=16, num_encoder_layers=1, num_decoder_layers=1, pointer_head=True
    )
    return GeneratorConfig(model=fit_vocabulary(shape, tokenizer))


@pytest.fixture(scope="module")
def generator(tokenizer: Tokenizer, config: GeneratorConfig) -> Generator:
    return Generator(init_params(T5(config.model), 0), tokenizer, config)


@pytest.mark.parametrize("search", [Search(5), Search(5, beam_size=3), Search(5, slots=2)])
def test_a_result_depends_on_its_prompt_alone(generator: Generator, search: Search):
    together = generator.candidates(PROMPTS, 16, search, SHAPE)
    reversed_ = generator.candidates(PROMPTS[::-1], 16, search, SHAPE)[::-1]
    alone = [generator.candidates([prompt], 16, search, SHAPE)[0] for prompt in PROMPTS]
    assert together == reversed_ == alone
    assert [len(found) for found in together] == [search.beam_size] * len(PROMPTS)


@pytest.mark.parametrize("search", [Search(5), Search(5, beam_size=3), Search(5, slots=8)])
@pytest.mark.parametrize("rows", [12, 16])
def test_a_row_has_the_same_bits_at_any_place_and_with_any_mates(config: GeneratorConfig, search: Search, rows: int):
    model, rng = T5(config.model), np.random.default_rng(0)
    params = init_params(model, 0)
    decode = jax.jit(decode_tokens, static_argnums=(0, 1))
    tokens = rng.integers(2, 140, (rows, 10)).astype(np.int32)
    first = decode(model, search, params, tokens, rows)
    order = rng.permutation(rows)
    mates = np.where(np.arange(rows)[:, None] % 2 == 0, tokens, rng.integers(2, 140, tokens.shape)).astype(np.int32)
    moved, among_others = (decode(model, search, params, one, rows) for one in (tokens[order], mates))
    for one, other, third in zip(first, moved, among_others, strict=True):
        np.testing.assert_array_equal(np.asarray(one)[order], other)
        np.testing.assert_array_equal(one[::2], third[::2])


def test_a_beam_leaves_out_groups_without_a_wanted_row(config: GeneratorConfig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(generator_module, "_BEAM_GROUP", 2)
    model, tokens = T5(config.model), np.random.default_rng(0).integers(2, 140, (6, 10)).astype(np.int32)
    params, search = init_params(model, 0), Search(5, beam_size=3)
    decode = jax.jit(decode_tokens, static_argnums=(0, 1))
    whole, few = (decode(model, search, params, tokens, count) for count in (6, 3))
    for all_rows, some in zip(whole, few, strict=True):
        np.testing.assert_array_equal(all_rows[:4], some[:4])  # the group of the third row has a fourth
        assert not np.asarray(some[4:]).any()


def test_threads_share_one_compilation_and_agree(generator: Generator):
    search = Search(4)

    def decode(_: int) -> list[list[Candidate]]:
        return generator.candidates(PROMPTS, 16, search, SHAPE)

    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(decode, range(4))
    assert all(other == first for other in others)


def test_scores_are_rounded_and_agree(generator: Generator):
    for found in generator.candidates(PROMPTS, 16, Search(5, beam_size=3), SHAPE):
        assert [one.sum_logprob for one in found] == sorted((one.sum_logprob for one in found), reverse=True)
        for one in found:
            assert one.sum_logprob == round(one.sum_logprob, 4) < 0
            assert one.sum_logprob - 1e-4 <= one.mean_logprob < 0


def test_a_long_prompt_is_cut(generator: Generator, tokenizer: Tokenizer):
    long = " ".join(PROMPTS)
    cut = tokenizer.decode(tokenizer.encode(long)[:15])
    assert generator.candidates([long, cut], 16, Search(5), SHAPE)[0]
    assert len(tokenizer.encode(long)) > 16


def test_no_prompts_give_no_candidates(generator: Generator):
    assert generator.candidates([], 16, Search(5), SHAPE) == []


def test_vocabularies_are_rounded_up_as_t5s_is(tokenizer: Tokenizer, config: GeneratorConfig):
    assert config.model.vocab_size == 256
    assert tokenizer.vocab_size == 140


def test_loaded_from_its_checkpoint_it_decodes_the_same(
    generator: Generator, tokenizer: Tokenizer, config: GeneratorConfig, tmp_path: Path
):
    _save(tmp_path, tokenizer, config, STAGE)
    loaded = Generator.load(tmp_path / "checkpoint", tmp_path / "tokenizer")
    assert loaded.config == config
    assert loaded.candidates(PROMPTS, 16, Search(5), SHAPE) == generator.candidates(PROMPTS, 16, Search(5), SHAPE)


def test_a_checkpoint_of_another_stage_is_refused(tokenizer: Tokenizer, config: GeneratorConfig, tmp_path: Path):
    _save(tmp_path, tokenizer, config, "inbatch")
    with pytest.raises(IncompatibleArtifactError, match="'inbatch'; give a generator's"):
        Generator.load(tmp_path / "checkpoint", tmp_path / "tokenizer")


def _save(folder: Path, tokenizer: Tokenizer, config: GeneratorConfig, role: str) -> None:
    card = CheckpointCard(role=role, model=config.model, tokenizer=REF, settings=config.model_dump(mode="json"))
    save_checkpoint(folder / "checkpoint", init_params(T5(config.model), 0), card, [])
    tokenizer.save(folder / "tokenizer")
