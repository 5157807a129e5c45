"""A checkpoint's tokenizer: the pieces of spiece.model, and added tokens from whichever file names them."""

import json
from pathlib import Path

import pytest

from qamat_core.t5.checkpoints.tokenizers import read_tokenizer, tokenizer_files
from qamat_core.tokenizer import SENTINELS
from schemas.errors import InputError
from tests.qamat_core.t5.checkpoints.foreign import tokenizer

ROWS = 256
TOP = 45 + SENTINELS
MARKS = {"<sep>": TOP, "<hl>": TOP + 1}
SENTINEL_IDS = {f"<extra_id_{number}>": TOP - 1 - number for number in range(SENTINELS)}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    tokenizer().save(tmp_path)
    return tmp_path


def write(file: Path, value: object) -> None:
    file.write_text(json.dumps(value))


def test_added_tokens_are_found_in_each_file_of_transformers(directory: Path):
    own = SENTINEL_IDS | {"<pad>": 0, "</s>": 1, "<unk>": 2}
    old = ("added_tokens.json", MARKS)
    newer = ("tokenizer_config.json", {str(number): {"content": text} for text, number in (own | MARKS).items()})
    fast = ("tokenizer.json", [{"content": text, "id": number} for text, number in (own | MARKS).items()])
    for name, value in (old, (newer[0], {"added_tokens_decoder": newer[1]}), (fast[0], {"added_tokens": fast[1]})):
        write(directory / name, value)
        read = read_tokenizer(directory, None, ROWS)
        assert read.added == ("<sep>", "<hl>")
        assert read.encode("Holm <hl> Dral <sep>") == [
            *read.encode("Holm"),
            MARKS["<hl>"],
            *read.encode("Dral"),
            MARKS["<sep>"],
        ]
        assert set(tokenizer_files(directory, None)) == {directory / "spiece.model", directory / name}
        (directory / name).unlink()
    assert read_tokenizer(directory, None, ROWS).added == ()


def test_the_pieces_may_lie_elsewhere(directory: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    write(other / "added_tokens.json", MARKS)
    assert read_tokenizer(other, directory / "spiece.model", ROWS).added == ("<sep>", "<hl>")
    assert tokenizer_files(other, directory / "spiece.model") == [
        directory / "spiece.model",
        other / "added_tokens.json",
    ]


def test_without_pieces_spiece_model_is_asked_for(tmp_path: Path):
    write(tmp_path / "tokenizer.json", {"added_tokens": []})
    with pytest.raises(InputError, match=r"spiece\.model: missing; give the spiece\.model .* with --tokenizer"):
        read_tokenizer(tmp_path, None, ROWS)


@pytest.mark.parametrize(
    ("added", "reason"),
    [
        ({"<hl>": TOP + 1}, f"'<hl>' has the id {TOP + 1} instead of {TOP}"),
        ({"<extra_id_0>": 50}, "<extra_id_0> has the id 50; only T5's own 100"),
        ([1, 2], "no JSON object of tokens"),
    ],
)
def test_other_conventions_are_refused(added: object, reason: str, directory: Path):
    write(directory / "added_tokens.json", added)
    with pytest.raises(InputError, match=reason):
        read_tokenizer(directory, None, ROWS)


@pytest.mark.parametrize("rows", [128, TOP - 1, TOP + 512])
def test_another_number_of_ids_than_rows_is_refused(directory: Path, rows: int):
    with pytest.raises(InputError, match=f"{TOP} ids, but the checkpoint has {rows}: give the spiece.model of its T5"):
        read_tokenizer(directory, None, rows)


@pytest.mark.parametrize("rows", [TOP, TOP + 511])
def test_padding_is_no_other_number(directory: Path, rows: int):
    assert read_tokenizer(directory, None, rows).vocab_size == TOP


def test_t5s_own_pieces_in_a_padded_vocabulary(shared_data: Path, tmp_path: Path):
    """T5 has 32,128 rows for 32,100 ids: the rows above have no text, `<hl>` of a public checkpoint has."""
    model = shared_data / "t5" / "spiece.model"
    plain = read_tokenizer(tmp_path, model, 32_128)
    assert (plain.vocab_size, plain.sentinel(0)) == (32_100, 32_099)
    assert plain.decode([8774, 32_100, 32_127, 296]) == "Hello <unk> <unk> world"
    write(tmp_path / "added_tokens.json", {"<hl>": 32_100})
    assert read_tokenizer(tmp_path, model, 32_101).decode([8774, 32_100, 296]) == "Hello <hl> world"
