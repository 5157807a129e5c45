"""Tables become arrays: long passages keep their first mask, what is lost leaves targets and positives."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qamat_core.qamat.entries import MemoryEntries
from qamat_core.qamat.examples import (
    UNKNOWN,
    pretraining_examples,
    question_examples,
    with_questions,
    with_share,
    without_own,
)
from qamat_core.tokenizer import CLS, MASK
from schemas.model import EOS_ID
from schemas.tables import MULTIHOP_EXAMPLES, PRETRAIN_EXAMPLES, QA_EXAMPLES, QA_PAIRS
from tests.qamat_core.qamat import tiny

FILLER = "Where does Ada live?"


def _pretrain(
    masked_text: str, targets: list[str], positives: list[str], negatives: Sequence[str] = ()
) -> dict[str, Any]:
    ids = {"positive_ids": positives, "negative_ids": list(negatives)}
    return {"example_id": "e", "passage_id": "p", "masked_text": masked_text, "targets": targets} | ids


def _examples(*rows: dict[str, Any]) -> Any:
    table = pa.Table.from_pylist(list(rows), schema=PRETRAIN_EXAMPLES)
    return pretraining_examples(table, tiny.entries(), tiny.tokenizer(), tiny.config())


def _text(tokens: np.ndarray) -> str:
    return tiny.tokenizer().decode(tokens)


def test_keys_are_questions_and_values_answers_with_questions():
    entries = tiny.entries()
    assert _text(entries.key_tokens[2]) == f"{CLS} Where does Cleo live?"
    assert _text(entries.value_tokens[2]).startswith(f"{CLS} Holm Where does Cleo")
    assert (entries.ids[2], entries.row_of["2"], len(entries)) == ("2", 2, 10)
    turned = MemoryEntries(tiny.pairs(), tiny.tokenizer(), tiny.config(value_order="question-answer"))
    assert _text(turned.value_tokens[2]) == f"{CLS} Where does Cleo live? Holm"
    np.testing.assert_array_equal(turned.key_tokens, entries.key_tokens)
    ended = MemoryEntries(tiny.pairs(), tiny.tokenizer(), tiny.config(value_end=True)).value_tokens[2].tolist()
    end = ended.index(EOS_ID)
    assert _text(ended[:end]) == f"{CLS} Holm"
    assert _text(ended[end + 1 :]).startswith("Where does Cleo")
    long = MemoryEntries(tiny.pairs(["Ada " * 30], ["Dorf"]), tiny.tokenizer(), tiny.config())
    assert (long.key_tokens.shape, long.value_tokens.shape) == ((1, 10), (1, 12))


def test_a_passage_that_fits_keeps_every_mask():
    examples = _examples(
        _pretrain("<extra_id_0> lives in <extra_id_1>.", ["Ada", "Dorf"], ["0", "elsewhere"], ["3", "gone", "1"]),
        _pretrain("Bela lives in <extra_id_0>.", ["Stad"], ["1"]),
    )
    assert _text(examples.inputs[0]).split()[0] == MASK
    assert [_text(target) for target in examples.targets] == ["<extra_id_0> Ada <extra_id_1> Dorf", "<extra_id_0> Stad"]
    assert examples.positives.tolist() == [[0, UNKNOWN], [1, UNKNOWN]]
    assert examples.negatives.tolist() == [[3, 1], [UNKNOWN, UNKNOWN]]
    assert (examples.banned == UNKNOWN).all()


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6))
def test_a_long_passage_is_cut_around_its_first_mask(before: int, between: int, after: int):
    text = " ".join([FILLER] * before + ["<extra_id_0>"] + [FILLER] * between + ["<extra_id_1>"] + [FILLER] * after)
    examples = _examples(_pretrain(text, ["Ada", "Dorf"], ["0", "3"]))
    tokens, whole = examples.inputs[0].tolist(), tiny.tokenizer().encode(text)
    window = tokens[: len(whole)]
    assert any(whole[start : start + 20] == window for start in range(len(whole)))
    assert len(window) == min(20, len(whole))
    first, second = (tiny.tokenizer().sentinel(number) in tokens for number in (0, 1))
    assert first
    assert _text(examples.targets[0]) == "<extra_id_0> Ada" + " <extra_id_1> Dorf" * second
    assert examples.positives.tolist() == [[0, 3] if second else [0]]


def _questions(
    asked: list[tuple[str, str]], mined: list[tuple[str, str, str]], tier: str = "bridge", ban_own: bool = True
) -> Any:
    rows = [
        {"example_id": f"e{number}", "question": question, "answers": [answer], "dataset": "t", "split": "train"}
        for number, (question, answer) in enumerate(asked)
    ]
    chains = [
        {"example_id": key, "first_qa_id": first, "final_qa_id": final, "tier": tier, "score": 1.0}
        for key, first, final in mined
    ]
    tables = pa.Table.from_pylist(rows, schema=QA_EXAMPLES), pa.Table.from_pylist(chains, schema=MULTIHOP_EXAMPLES)
    return question_examples(*tables, tiny.entries(), tiny.tokenizer(), tiny.config(), ban_own=ban_own)


def test_questions_get_their_mined_entries():
    asked = [("In which town is Ada?", "Dorf"), ("Who?", "Bela"), ("And where?", "Stad")]
    examples = _questions(asked, [("e0", "4", "0"), ("e2", "", "1"), ("e2", "5", "6")])
    assert [_text(tokens).split()[0] for tokens in examples.inputs] == [MASK] * 3
    assert _text(examples.targets[0]) == f"{MASK} Dorf"
    assert examples.positives.tolist() == [[0], [UNKNOWN], [1]]
    assert examples.first.tolist() == [[4], [UNKNOWN], [UNKNOWN]]
    assert (examples.banned == UNKNOWN).all()


def test_the_questions_own_entry_is_banned():
    asked = [("where does  BELA live", "Stad"), ("Where is Bela?", "Stad")]
    examples = _questions(asked, [("e0", "", "1"), ("e1", "", "1")])
    assert examples.banned.tolist() == [[1], [UNKNOWN]]
    assert examples.positives.tolist() == [[UNKNOWN], [1]]


def test_without_the_ban_a_question_may_retrieve_its_own_entry():
    examples = _questions([("where does  BELA live", "Stad")], [("e0", "1", "1")], ban_own=False)
    assert examples.banned.tolist() == [[UNKNOWN]]
    assert (examples.positives.tolist(), examples.first.tolist()) == ([[1]], [[1]])


def test_passages_that_must_not_retrieve_their_own_entries_know_none():
    pairs = tiny.pairs()
    again = {**pairs.slice(1, 1).to_pylist()[0], "qa_id": "10", "question": "where does BELA  live"}
    pairs = pa.concat_tables([pairs, pa.Table.from_pylist([again], schema=QA_PAIRS)])
    table = [
        _pretrain("<extra_id_0> lives in <extra_id_1>.", ["Bela", "Holm"], ["1", "2"], ["3"]),
        _pretrain("Ada lives in <extra_id_0>.", ["Dorf"], ["elsewhere"]),
    ]
    entries = MemoryEntries(pairs, tiny.tokenizer(), tiny.config())
    examples = without_own(_examples(*table), entries)
    assert examples.banned.tolist() == [[1, 10, 2], [UNKNOWN] * 3]
    assert (examples.positives == UNKNOWN).all()
    assert examples.negatives.tolist() == [[3], [UNKNOWN]]


def test_a_question_that_is_made_of_its_entry_may_retrieve_it():
    examples = _questions([("Where does Bela live?", "Stad")], [("e0", "", "1")], tier="own")
    assert examples.banned.tolist() == [[UNKNOWN]]
    assert examples.positives.tolist() == [[1]]


@given(share=st.floats(0, 0.95), seed=st.integers(0, 9))
def test_more_examples_make_up_their_share_and_are_padded(share: float, seed: int):
    examples = _questions([("Where is Ada?", "Dorf"), ("where does  BELA live", "Stad")], [("e0", "4", "0")])
    more = _questions([("In which town, does she, is Cleo?", "Holm"), ("Who?", "Dora")], [("e0", "5", "2")])
    both = with_share(examples, more, share, seed)
    added = len(both) - 2
    assert added == round(2 * share / (1 - share))
    assert [_text(tokens) for tokens in both.inputs[:2]] == [_text(tokens) for tokens in examples.inputs]
    counts = [both.positives[2:, 0].tolist().count(row) for row in (2, UNKNOWN)]
    assert sum(counts) == added
    assert abs(counts[0] - counts[1]) <= 1
    for tokens, positive, first in zip(both.inputs[2:], both.positives[2:], both.first[2:], strict=True):
        expected = (0, 2, 5) if positive[0] == 2 else (1, UNKNOWN, UNKNOWN)
        assert (_text(tokens), positive[0], first[0]) == (_text(more.inputs[expected[0]]), *expected[1:])


@pytest.mark.parametrize(("share", "added"), [(0.0, 0), (0.25, 1), (0.5, 2), (0.9, 2)])
def test_a_share_of_the_examples_asks_the_question_of_its_pair(share: float, added: int):
    examples = _examples(
        _pretrain("<extra_id_0> lives in <extra_id_1>.", ["Ada", "Dorf"], ["0", "elsewhere"]),
        _pretrain("Bela lives in <extra_id_0>.", ["Stad"], ["1"], ["3"]),
        _pretrain("Cleo lives in <extra_id_0>.", ["Holm"], ["2"]),
    )
    mask = tiny.tokenizer().sentinel(0)
    more = with_questions(examples, tiny.entries(), mask, share)
    assert len(more) == 3 + added
    assert [_text(tokens) for tokens in more.inputs[:3]] == [_text(tokens) for tokens in examples.inputs]
    asked = [(_text(tokens), _text(target)) for tokens, target in zip(more.inputs[3:], more.targets[3:], strict=True)]
    assert (
        asked
        == [
            (f"{MASK} Where does Bela live?", f"{MASK} Stad"),
            (f"{MASK} Where does Cleo live?", f"{MASK} Holm"),
        ][:added]
    )
    assert more.positives[3:].tolist() == [[1, UNKNOWN], [2, UNKNOWN]][:added]
    assert more.negatives[3:].tolist() == [[3], [UNKNOWN]][:added]


def test_a_table_is_as_wide_as_its_longest_row():
    short, long = "Ada lives in <extra_id_0>.", f"{FILLER} " * 30 + MASK
    assert _examples(_pretrain(short, ["Dorf"], ["0"])).inputs.shape == (1, 8)
    rows = _pretrain(short, ["Dorf"], ["0"]), _pretrain(long, ["Dorf"], ["0"])
    assert _examples(*rows).inputs.shape == (2, 20)


def test_an_empty_memory_has_no_rows():
    none = MemoryEntries(QA_PAIRS.empty_table(), tiny.tokenizer(), tiny.config())
    assert (len(none), none.ids, none.key_tokens.shape) == (0, [], (0, 1))
