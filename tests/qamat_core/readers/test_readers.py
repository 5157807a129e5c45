"""What every reader does alike: bounds, rejects with file and line, clear errors, nothing lost."""

import gzip
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qamat_core.readers.accounting import read_all
from qamat_core.readers.dpr_passages import read_dpr_passages
from qamat_core.readers.dpr_questions import read_dpr_questions
from qamat_core.readers.jsonl_passages import read_jsonl_passages
from qamat_core.readers.nq_open import read_nq_open
from schemas.errors import InputError
from schemas.records import Annotation, Passage, QAExample, Reject
from tests.qamat_core.readers.reading import read

Reader = Callable[..., Iterator[Passage | Annotation | QAExample | Reject]]

GOOD: dict[str, tuple[Reader, list[bytes]]] = {
    "a.tsv": (read_dpr_passages, [b'7\t"A ""big"" city."\tParis', b"8\tA river.\tSeine"]),
    "a.jsonl": (read_jsonl_passages, [b'{"id": 7, "title": "Paris", "text": "A city."}', b'{"text": "A river."}']),
    "q.jsonl": (
        partial(read_nq_open, dataset="nq", split="dev"),
        [b'{"question": "who", "answer": ["Bo"]}', b'{"question": "where", "answer": ["here", "there"]}'],
    ),
    "q.qa.csv": (
        partial(read_dpr_questions, dataset="nq", split="dev"),
        [b"who\t['Bo']", b"where\t[\"here\", 'th\\'ere']"],
    ),
}


@pytest.fixture(params=sorted(GOOD))
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Reader, list[bytes]]:
    reader, lines = GOOD[request.param]
    return tmp_path / request.param, reader, lines


def rejects_of(items: Iterable[Passage | QAExample | Reject]) -> list[tuple[str, str]]:
    return [(item.source, item.reason) for item in items if isinstance(item, Reject)]


def test_good_lines_are_kept_in_order(case: tuple[Path, Reader, list[bytes]]) -> None:
    path, reader, lines = case
    path.write_bytes(b"\r\n".join([b"\xef\xbb\xbf" + lines[0], b"", *lines[1:]]))
    result = read_all(read(reader, path), str(path))
    assert (len(result.records), result.rejects) == (2, [])


def test_a_packed_file_gives_the_same(case: tuple[Path, Reader, list[bytes]]) -> None:
    path, reader, lines = case
    path.write_bytes(b"\n".join(lines))
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read(reader, packed) == read(reader, path)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\xff\xfe broken", "invalid UTF-8 at byte 0"),
        (b'{"question": "who", "answer": ["x"], "text": "x"', "malformed JSON|columns"),
        (b"[" * 5000, "malformed JSON|columns|expected an object"),
        (b"no record at all", "malformed JSON|columns"),
        (b"x" * 3000, "line longer than 2000 bytes"),
    ],
)
def test_a_bad_line_is_rejected_with_its_place_and_the_run_goes_on(
    case: tuple[Path, Reader, list[bytes]], line: bytes, reason: str
) -> None:
    path, reader, lines = case
    path.write_bytes(b"\n".join([lines[0], line, lines[1]]))
    limit = 2000 if "longer" in reason else 1 << 20
    items = read(reader, path, max_line_bytes=limit)
    assert [isinstance(item, Reject) for item in items] == [False, True, False]
    (found,) = rejects_of(items)
    assert found[0] == f"{path.name}:2"
    assert any(part in found[1] for part in reason.split("|"))


def test_a_10_mb_line_is_rejected_without_being_kept(case: tuple[Path, Reader, list[bytes]]) -> None:
    path, reader, lines = case
    path.write_bytes(b"\n".join([lines[0], b"y" * 10_000_000, lines[1]]))
    tracemalloc.start()
    items = read(reader, path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000
    (found,) = [item for item in items if isinstance(item, Reject)]
    assert found.source == f"{path.name}:2"
    assert "longer than 1048576 bytes" in found.reason
    assert len(found.record) == 200


def test_the_second_of_two_equal_ids_is_rejected(case: tuple[Path, Reader, list[bytes]]) -> None:
    path, reader, lines = case
    path.write_bytes(b"\n".join([*lines, lines[0]]))
    ((source, reason),) = rejects_of(read(reader, path))
    assert source == f"{path.name}:3"
    assert reason.startswith("duplicate id ")


def test_missing_file_is_one_clear_line(case: tuple[Path, Reader, list[bytes]]) -> None:
    path, reader, _ = case
    with pytest.raises(InputError, match=r"no such file: check the path") as caught:
        read(reader, path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[:-9], lambda raw: b"no gzip " + raw, lambda raw: raw[:15] + b"\0" * 9]
)
def test_a_damaged_gzip_is_an_input_error(
    case: tuple[Path, Reader, list[bytes]], damage: Callable[[bytes], bytes]
) -> None:
    path, reader, lines = case
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(damage(gzip.compress(b"\n".join(lines * 50))))
    with pytest.raises(InputError, match="cut off or damaged"):
        read(reader, packed)


def test_a_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read(read_jsonl_passages, tmp_path)


@pytest.mark.parametrize("name", sorted(GOOD))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.binary(max_size=60)
        | st.from_regex(rb"[\"\[\{\t',:\\a-f0-9\]\}]{0,40}", fullmatch=True)
        | st.sampled_from([line for _, lines in GOOD.values() for line in lines])
    )
)
def test_no_bytes_end_in_a_traceback_and_no_line_is_lost(tmp_path: Path, name: str, lines: list[bytes]) -> None:
    path, content = tmp_path / name, b"\n".join(lines)
    path.write_bytes(content)
    items = read(GOOD[name][0], path)
    decoded = [line.decode(errors="replace").lstrip("\ufeff").strip() for line in content.split(b"\n")]
    assert len(items) == sum(1 for line in decoded if line)
    for item in items:
        repr(item).encode()
