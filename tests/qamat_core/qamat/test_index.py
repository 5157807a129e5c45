"""An index gives back what was encoded, and says who may search it."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from qamat_core.qamat.index import CARD, IndexCard, check_encoder, encode_entries, load_index, save_index
from schemas.artifacts import ArtifactRef
from schemas.errors import CorruptArtifactError, IncompatibleArtifactError
from tests.qamat_core.qamat import tiny

REF = ArtifactRef(kind="qa_pairs", name="m", version=3, key="0" * 64, content="1" * 64, uri="m")
INDEX_CARD = IndexCard(memory=REF, encoder="a" * 64, tokenizer="b" * 64, entries=10)


@pytest.mark.parametrize("batch_size", [4, 16])
def test_every_entry_is_encoded_at_its_cls(batch_size: int):
    heard: list[tuple[int, int]] = []
    entries = tiny.entries()
    memory = encode_entries(
        tiny.reader(), tiny.params(), entries, batch_size, lambda done, total: heard.append((done, total))
    )
    np.testing.assert_allclose(memory.keys, tiny.encode(entries.key_tokens)[:, 0], atol=1e-5)
    np.testing.assert_allclose(memory.values, tiny.encode(entries.value_tokens)[:, 0], atol=1e-5)
    assert heard[-1] == (10, 10)


def test_an_index_comes_back_as_it_was(tmp_path: Path):
    saved = tiny.memory()._replace(keys=jnp.asarray(tiny.memory().keys))
    save_index(tmp_path, saved, INDEX_CARD)
    loaded, card = load_index(tmp_path)
    assert card == INDEX_CARD
    for ours, theirs in zip(loaded, saved, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert isinstance(ours, np.memmap)


@pytest.mark.parametrize("name", [CARD, "keys.npy", "values.npy", "value_tokens.npy"])
@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\xff\xfe{}"])
def test_a_broken_index_is_named(tmp_path: Path, name: str, content: bytes):
    save_index(tmp_path, tiny.memory(), INDEX_CARD)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorruptArtifactError, match=f"{tmp_path}: not an index .*build it again"):
        load_index(tmp_path)


def test_a_foreign_encoder_or_tokenizer_is_refused_by_name():
    check_encoder(INDEX_CARD, "a" * 64, "b" * 64)
    with pytest.raises(IncompatibleArtifactError, match=f"qa_pairs/m@3 was made by encoder {'a' * 16}, .*{'c' * 16}"):
        check_encoder(INDEX_CARD, "c" * 64, "b" * 64)
    with pytest.raises(IncompatibleArtifactError, match=f"tokenizer {'b' * 16}, .*{'d' * 16}"):
        check_encoder(INDEX_CARD, "a" * 64, "d" * 64)
