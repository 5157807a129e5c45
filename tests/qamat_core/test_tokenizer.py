"""The tokenizer keeps T5's conventions, whoever trained it."""

from functools import cache
from pathlib import Path

import pytest
import sentencepiece as spm
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.tokenizer import CLS, FILE_NAME, MASK, SENTINELS, UNK_ID, Tokenizer, train_sentencepiece
from schemas.errors import ConfigError, InputError
from schemas.model import EOS_ID, PAD_ID
from schemas.training import TokenizerConfig

TEXTS = [f"{name} lies in {place}. It isn't old, is it?" for name in ("Holm", "Bolgrad") for place in ("Toronia", "X")]
CONFIG = TokenizerConfig(vocab_size=60)


@cache
def trained() -> Tokenizer:
    return Tokenizer(train_sentencepiece(TEXTS, CONFIG))


@pytest.fixture
def own() -> Tokenizer:
    return trained()


@pytest.fixture(scope="module")
def t5(shared_data: Path) -> Tokenizer:
    return Tokenizer.load(shared_data / "t5" / "spiece.model")


def test_training_twice_gives_the_same_bytes(own: Tokenizer):
    assert Tokenizer(train_sentencepiece(iter(TEXTS), CONFIG)).fingerprint == own.fingerprint


def test_sentinels_stand_on_top_from_the_highest_down(own: Tokenizer):
    assert own.vocab_size == 60 + SENTINELS
    assert own.encode(MASK) == [own.vocab_size - 1] == [own.sentinel(0)]
    assert own.encode(CLS) == [60] == [own.sentinel(99)]


def test_own_pieces_are_never_part_of_another_piece(own: Tokenizer):
    for mark in CONFIG.own_pieces:
        piece = own.encode(f"Toronia{mark}")[-1]
        assert own.decode([piece]) == mark


@given(st.lists(st.sampled_from(["Holm", "Toronia.", "old,", MASK, "<extra_id_7>"]), max_size=8))
def test_decoding_gives_the_text_back(words: list[str]):
    assert trained().decode(trained().encode(" ".join(words))) == " ".join(words)


MARKED = Tokenizer(train_sentencepiece(TEXTS, CONFIG), ["<sep>", "<hl>", "<hl2>", "<h"])


@given(st.lists(st.sampled_from(["Holm", "Toronia.", MASK, "<sep>", "<hl>", "<hl2>", "<h"]), max_size=8))
def test_added_tokens_have_the_ids_above_the_sentinels_and_come_back(words: list[str]):
    ids = MARKED.encode(" ".join(words))
    assert MARKED.decode(ids) == " ".join(words)
    above = [MARKED.added[number - 160] for number in ids if number >= 60 + SENTINELS]
    assert above == [word for word in words if word in MARKED.added]
    assert MARKED.sentinel(0) == trained().sentinel(0)


@given(st.text(max_size=30))
def test_added_tokens_change_no_other_text(text: str):
    assert "<" in text or MARKED.encode(text) == trained().encode(text)


@given(st.lists(st.sampled_from(["Holm", "1853.", "São", "<extra_id_7>", "<hl>", "½", "ﬁne"]), max_size=8))
def test_every_id_stands_somewhere_in_the_text(words: list[str]):
    text = "  ".join(words)
    places = MARKED.offsets(text)
    assert len(places) == len(MARKED.encode(text))
    assert sorted(places) == places
    covered = {place for begin, end in places for place in range(begin, end)}
    assert {place for place, sign in enumerate(text) if not sign.isspace()} <= covered
    for (begin, end), number in zip(places, MARKED.encode(text), strict=True):
        assert number != MARKED.sentinel(7) or text[begin:end] == "<extra_id_7>"


def test_ids_without_a_text_are_told(own: Tokenizer):
    assert own.decode([*own.encode("Holm"), own.vocab_size, 32_127, own.sentinel(7)]) == "Holm <unk> <unk> <extra_id_7>"


def test_added_tokens_are_saved(tmp_path: Path):
    MARKED.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    assert (loaded.added, loaded.fingerprint, loaded.vocab_size) == (MARKED.added, MARKED.fingerprint, 164)
    assert loaded.fingerprint != trained().fingerprint


def test_batches_are_padded_and_cut(own: Tokenizer):
    ids = own.encode("Holm lies in Toronia.")
    batch = own.encode_batch(["Holm lies in Toronia.", ""], len(ids) + 2, eos=True)
    assert batch[0].tolist() == [*ids, EOS_ID, PAD_ID]
    assert batch[1].tolist() == [EOS_ID] + [PAD_ID] * (len(ids) + 1)
    assert own.encode_batch(["Holm lies in Toronia."], 3, eos=True)[0].tolist() == [*ids[:2], EOS_ID]
    assert own.encode_batch(["Holm lies in Toronia."], 3)[0].tolist() == ids[:3]


def test_decoding_stops_at_the_end_token(own: Tokenizer):
    ids = own.encode("Holm")
    assert own.decode([PAD_ID, *ids, EOS_ID, *ids]) == "Holm"


def test_saved_and_loaded_it_is_the_same(own: Tokenizer, tmp_path: Path):
    own.save(tmp_path / "tokenizer")
    assert Tokenizer.load(tmp_path / "tokenizer").fingerprint == own.fingerprint
    assert Tokenizer.load(tmp_path / "tokenizer" / FILE_NAME).vocab_size == own.vocab_size


def test_too_many_pieces_are_refused_with_the_remedy():
    with pytest.raises(ConfigError, match="fewer pieces or more text"):
        train_sentencepiece(["a b"], TokenizerConfig(vocab_size=5000))


def test_what_is_no_model_is_refused(tmp_path: Path):
    (tmp_path / "bad.model").write_bytes(b"not a model")
    for path in (tmp_path / "bad.model", tmp_path / "missing.model"):
        with pytest.raises(InputError, match=r"give a spiece\.model"):
            Tokenizer.load(path)


def test_another_convention_is_refused(tmp_path: Path):
    texts, prefix = iter(TEXTS), str(tmp_path / "other")
    spm.SentencePieceTrainer.train(
        sentence_iterator=texts, model_prefix=prefix, vocab_size=60, model_type="bpe", minloglevel=2
    )
    with pytest.raises(InputError, match="T5's conventions"):
        Tokenizer.load(tmp_path / "other.model")


def test_t5s_own_vocabulary(t5: Tokenizer):
    assert t5.vocab_size == 32_100
    assert t5.encode("Hello world") == [8774, 296]
    assert t5.encode("<extra_id_0>") == [32_099]
    assert t5.encode(f"The {MASK} walks in <extra_id_1> park") == [37, 32_099, 10_681, 16, 32_098, 2447]
    assert t5.decode([8774, 296, EOS_ID, 5]) == "Hello world"
    assert UNK_ID in t5.encode("\u4e2d")


def test_marks_inside_t5s_own_vocabulary(shared_data: Path):
    """As the valhalla checkpoints have them; the ids are those that transformers gives."""
    marked = Tokenizer.load_with(shared_data / "t5" / "spiece.model", {"<sep>": 32_100, "<hl>": 32_101})
    assert marked.encode("a <hl> b<hl>, {c} <extra_id_0>") == [3, 9, 32_101, 3, 115, 32_101, 3, 6, 3, 2, 75, 2, 32_099]
