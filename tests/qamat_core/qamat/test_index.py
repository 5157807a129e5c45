"""An index gives back what was encoded, in its type, and says who may search it."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qamat_core.qamat import index
from qamat_core.qamat.entries import MemoryEntries, tokenise_entries
from qamat_core.qamat.index import CARD, IndexCard, check_encoder, encode_entries, load_index
from qamat_core.qamat.search import FrozenMemory, search
from schemas.artifacts import ArtifactRef
from schemas.errors import CorruptArtifactError, IncompatibleArtifactError
from schemas.qamat import IndexConfig, VectorType
from tests.qamat_core.qamat import tiny
from tests.qamat_core.training.devices import on_devices

REF = ArtifactRef(kind="qa_pairs", name="m", version=3, key="0" * 64, content="1" * 64, uri="m")
INDEX_CARD = IndexCard(memory=REF, encoder="a" * 64, tokenizer="b" * 64, entries=10, dtype="float32")


def built(directory: Path, batch_size: int = 4, dtype: VectorType = "float32") -> FrozenMemory:
    """The tiny memory's index, as it is opened."""
    heard: list[tuple[int, int]] = []
    batches = tiny.pairs().to_batches(max_chunksize=3)

    def tell(done: int, total: int) -> None:
        heard.append((done, total))

    tokens = tokenise_entries(batches, 10, tiny.tokenizer(), tiny.config(), directory / "tokens", tell)
    config = IndexConfig(batch_size=batch_size, dtype=dtype)
    encode_entries(tiny.reader(), tiny.params(), tokens, config, directory, tell)
    INDEX_CARD.model_copy(update={"dtype": dtype}).save(directory)
    assert heard[3] == heard[-1] == (10, 10)
    return load_index(directory)[0]


@pytest.mark.parametrize("batch_size", [4, 16])
def test_every_entry_is_encoded_at_its_cls(tmp_path: Path, batch_size: int):
    memory, entries = built(tmp_path, batch_size), tiny.entries()
    np.testing.assert_allclose(memory.keys, tiny.encode(entries.key_tokens)[:, 0], atol=1e-5)
    np.testing.assert_allclose(memory.values, tiny.encode(entries.value_tokens)[:, 0], atol=1e-5)
    np.testing.assert_array_equal(memory.value_tokens, entries.value_tokens)
    assert memory.value_tokens.dtype == tiny.tokenizer().dtype == np.uint8
    assert load_index(tmp_path)[1] == INDEX_CARD


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(index, "KEEP_EVERY", 1)
    whole, heard = built(tmp_path / "whole", 3), list[int]()
    tokens = tokenise_entries([], 10, tiny.tokenizer(), tiny.config(), tmp_path / "whole" / "tokens", lambda *_: None)

    def encode(dying_at: int) -> None:
        def tell(done: int, _: int) -> None:
            heard.append(done)
            if done == dying_at:
                raise KeyboardInterrupt

        given = tiny.reader(), tiny.params(), tokens, IndexConfig(batch_size=3)
        encode_entries(*given, tmp_path / "killed", tell)

    with pytest.raises(KeyboardInterrupt):
        encode(6)
    encode(0)
    assert heard == [3, 6, 9, 10]
    for name, part in whole._asdict().items():
        assert (tmp_path / "killed" / f"{name}.npy").read_bytes() == (tmp_path / "whole" / f"{name}.npy").read_bytes()
        assert len(part) == 10
    (tmp_path / "killed").rename(tmp_path / "placed")
    encode(0)
    assert (tmp_path / "killed" / "keys.npy").read_bytes() == (tmp_path / "placed" / "keys.npy").read_bytes()


@pytest.mark.parametrize("people", [tiny.PEOPLE, ["Ada " * 9] * 4, ["B"]])
def test_tokens_read_in_batches_are_those_of_the_whole_table(tmp_path: Path, people: list[str]):
    pairs = tiny.pairs(people, ["Dorf"] * len(people))
    whole = MemoryEntries(pairs, tiny.tokenizer(), tiny.config())
    for batches in (pairs.to_batches(max_chunksize=2), []):  # the second time what is there is found
        found = tokenise_entries(batches, len(whole), whole.tokenizer, whole.config, tmp_path, lambda *_: None)
        for ours, theirs in zip(found, (whole.key_tokens, whole.value_tokens), strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype
            assert isinstance(ours, np.memmap)


def test_a_bfloat16_index_has_half_the_bytes_and_finds_nearly_the_same(tmp_path: Path):
    whole, half = built(tmp_path / "float32"), built(tmp_path / "bfloat16", dtype="bfloat16")
    for name in ("keys", "values"):
        sizes = [(tmp_path / dtype / f"{name}.npy").stat().st_size for dtype in ("float32", "bfloat16")]
        header = sizes[1] * 2 - sizes[0]
        assert sizes[1] - header == getattr(half, name).size * 2
        assert getattr(half, name).dtype == jnp.bfloat16
        assert isinstance(getattr(half, name), np.memmap)
        np.testing.assert_allclose(getattr(half, name).astype(np.float32), getattr(whole, name), rtol=2**-8)


def test_search_over_bfloat16_keys_adds_up_in_float32():
    """Recall of what float32 finds, over 5,000 keys in two dozen dimensions."""
    rng = np.random.default_rng(0)
    keys = rng.normal(size=(5000, 24)).astype(np.float32)
    queries = rng.normal(size=(50, 1, 24)).astype(np.float32)
    tokens, nothing = np.ones((5000, 1), np.uint16), np.full((50, 1), -1, np.int32)
    wanted, found = (
        jax.jit(search, static_argnums=3)(queries, FrozenMemory(part, part, tokens), nothing, 10).found
        for part in (keys, keys.astype(jnp.bfloat16))
    )
    shared = [len(set(one) & set(two)) for one, two in zip(wanted.rows.tolist(), found.rows.tolist(), strict=True)]
    assert sum(shared) / 500 > 0.97
    assert found.scores.dtype == jnp.float32
    exact = np.einsum("bsd,bkd->bk", queries.astype(jnp.bfloat16).astype(float), keys.astype(jnp.bfloat16)[found.rows])
    np.testing.assert_allclose(found.scores, exact, rtol=1e-5)


def test_eight_devices_encode_what_one_encodes():
    assert "encoding agree" in on_devices(8, "tests.qamat_core.qamat.eight_devices", "encoding")


@pytest.mark.parametrize("name", [CARD, "keys.npy", "values.npy", "value_tokens.npy"])
@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\xff\xfe{}"])
def test_a_broken_index_is_named(tmp_path: Path, name: str, content: bytes):
    built(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorruptArtifactError, match=f"{tmp_path}: not an index .*build it again"):
        load_index(tmp_path)


def test_a_foreign_encoder_or_tokenizer_is_refused_by_name():
    check_encoder(INDEX_CARD, "a" * 64, "b" * 64)
    with pytest.raises(IncompatibleArtifactError, match=f"qa_pairs/m@3 was made by encoder {'a' * 16}, .*{'c' * 16}"):
        check_encoder(INDEX_CARD, "c" * 64, "b" * 64)
    with pytest.raises(IncompatibleArtifactError, match=f"tokenizer {'b' * 16}, .*{'d' * 16}"):
        check_encoder(INDEX_CARD, "a" * 64, "d" * 64)
