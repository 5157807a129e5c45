"""2,000 cases over all readers: whatever a file holds, there is no exception but ours, nothing is lost, and the same
bytes give the same records. (The lines of line formats are counted in test_readers.)
"""

import bz2
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qamat_core.readers.formats import open_corpus, open_questions
from schemas.errors import QamatError
from schemas.records import Annotation, Passage, QAExample, Reject
from tests.qamat_core.readers.dumps import SEINE, dump, page

Item = Passage | Annotation | QAExample | Reject
cases = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def _squad() -> bytes:
    qas = [{"question": "how", "answers": [{"text": "old", "answer_start": 8}]}, {"question": "no", "answers": []}]
    return json.dumps({"data": [{"title": "Rome", "paragraphs": [{"context": "Rome is old.", "qas": qas}]}]}).encode()


def _tar(members: Sequence[tuple[str, bytes]], mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def _zip(members: Sequence[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


PLAIN: dict[str, bytes] = {
    "a.tsv": b'id\ttext\ttitle\n7\t"A ""big"" city."\tParis\n8\tA river.\tSeine\n',
    "a.jsonl": b'{"id": 7, "title": "Paris", "text": "A city."}\n{"text": "A river."}\n',
    "s.json": _squad(),
    "h.json": b'[{"context": [["H", ["A town."," Old."]], ["H", ["A town."," Old."]]]}]',
    "m.jsonl": b'{"paragraphs": [{"title": "M", "paragraph_text": "A lake."}]}\n' * 2,
    "v.json": b'{"V": {"extract": "A hill."}, "W": {"extract": ""}}',
    "w.xml": dump(page(1, "Seine", SEINE), page(2, "Talk:Seine", "x", namespace=1), page(3, "Tom", "{{t}}")),
}
PACKED: dict[str, bytes] = {
    "a.jsonl.gz": gzip.compress(PLAIN["a.jsonl"], mtime=0),
    "w.xml.bz2": bz2.compress(PLAIN["w.xml"]),
    "a.tar": _tar([*PLAIN.items(), ("../x", b"x")]),
    "a.tar.bz2": _tar(list(PLAIN.items()), "w:bz2"),
    "a.zip": _zip([*PLAIN.items(), ("../x", b"x")]),
}
QUESTIONS: dict[str, bytes] = {
    "q.jsonl": b'{"question": "who", "answer": ["Bo"]}\n',
    "t.json": b'{"Data": [{"Question": "who", "Answer": {"Value": "Bo", "Aliases": ["B"]}}, {"Question": "x"}]}',
    "l.json": b'[{"question": "who", "answer": "Bo"}, {"question": "where", "answer": "no"}]',
    "b.json": b'[{"utterance": "who", "targetValue": "(list (description \\"A b\\") (description C))"}]',
    "q.tsv": b"who\tBo\nwhere\there\n",
    "q.csv": b"who\t['Bo']\nwhere\t[\"here\", 'th\\'ere']\n",
}
FILES = {**PLAIN, **PACKED, **QUESTIONS}


def read(path: Path, content: bytes) -> list[Item] | str:
    """Return what a file gives, or the line with which it is refused; any other exception is a failure."""
    path.write_bytes(content)
    items: Iterator[Item] = open_questions(path, "nq", "dev") if path.name in QUESTIONS else open_corpus(path)
    try:
        found = list(items)
    except QamatError as error:
        line = str(error)
        assert line.strip()
        assert "\n" not in line
        return line
    for item in found:
        repr(item).encode()
    return found


def _mutated(content: bytes) -> st.SearchStrategy[bytes]:
    place = st.integers(0, len(content))
    edit = st.tuples(
        place, st.integers(0, 12), st.binary(max_size=6) | st.sampled_from([b"\n", b'"', b"\0" * 4, b"<x>"])
    )

    def apply(edits: list[tuple[int, int, bytes]]) -> bytes:
        changed = content
        for start, length, new in edits:
            changed = changed[:start] + new + changed[start + length :]
        return changed

    return st.lists(edit, min_size=1, max_size=4).map(apply)


@pytest.mark.parametrize("name", sorted(FILES))
@settings(cases, max_examples=25)
@given(st.data())
def test_any_bytes(tmp_path: Path, name: str, data: st.DataObject) -> None:
    content = data.draw(st.binary(max_size=80) | st.text(max_size=60).map(str.encode))
    path = tmp_path / name
    assert read(path, content) == read(path, content)


@pytest.mark.parametrize("name", sorted(FILES))
@settings(cases, max_examples=60)
@given(st.data())
def test_valid_files_with_some_bytes_changed(tmp_path: Path, name: str, data: st.DataObject) -> None:
    content = data.draw(_mutated(FILES[name]))
    path = tmp_path / name
    assert read(path, content) == read(path, content)


KEYS = ["paragraphs", "context", "qas", "question", "answers", "text", "answer_start", "title", "paragraph_text"]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["a b", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*KEYS, "extract", "id"]), inner, max_size=4)
        | st.tuples(inner, st.lists(inner, max_size=2)).map(list)
    ),
    max_leaves=20,
)


def _field(value: object, name: str) -> list[object] | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else None


def _paragraphs(record: object, name: str) -> int:
    return len(_field(record, name) or [None])


def _squad_records(article: object) -> int:
    paragraphs = _field(article, "paragraphs")
    if paragraphs is None or (isinstance(article, dict) and "\ud800" in str(article.get("title") or "")):
        return 1
    return sum(1 + len(_field(paragraph, "qas") or []) for paragraph in paragraphs)


JSONS: dict[str, tuple[Callable[[list[object]], str], Callable[[object], int]]] = {
    "s.json": (lambda records: json.dumps({"data": records}), _squad_records),
    "h.json": (json.dumps, lambda record: _paragraphs(record, "context")),
    "m.jsonl": (
        lambda records: "".join(json.dumps({"paragraphs": record}) + "\n" for record in records),
        lambda record: _paragraphs({"paragraphs": record}, "paragraphs"),
    ),
    "a.jsonl": (lambda records: "".join(json.dumps({"text": record}) + "\n" for record in records), lambda _: 1),
    "v.json": (
        lambda records: json.dumps({str(n): {"extract": record} for n, record in enumerate(records)}),
        lambda _: 1,
    ),
}
"""Name -> how records are written as that file, and how many items one of them has to give."""


@pytest.mark.parametrize("name", sorted(JSONS))
@settings(cases, max_examples=100)
@given(records=st.lists(values, min_size=1, max_size=4))
def test_any_json_gives_as_many_items_as_it_holds_records(tmp_path: Path, name: str, records: list[object]) -> None:
    write, count = JSONS[name]
    found = read(tmp_path / name, write(records).encode())
    assert not isinstance(found, str)
    assert len(found) == sum(map(count, records))


texts = st.lists(
    st.sampled_from(["word ", "[[a|b]] ", "{{t|", "}}", "<ref>", "'''", "\n* ", "{|\n|", "&#0;"]) | st.text()
)
pages = st.builds(
    page,
    st.integers(0, 5) | st.sampled_from(["", "x", "-1"]),
    st.sampled_from(["Rome", "Talk:Rome", "", " ", "Rome (disambiguation)"]),
    texts.map("".join).map(lambda text: "".join(c for c in text if c in "\t\n" or c.isprintable())),
    namespace=st.sampled_from([0, 0, 0, 1, "", "x"]),
    redirect=st.sampled_from(["", "", "Paris"]),
)
elements = pages | st.sampled_from(["<page/>", "<page><title>A</title><id>9</id></page>", "<logitem/>", "<siteinfo/>"])


@settings(cases, max_examples=180)
@given(st.lists(elements, min_size=1, max_size=6))
def test_every_page_gives_passages_or_one_reject(tmp_path: Path, given: list[str]) -> None:
    found = read(tmp_path / "w.xml", dump(*given))
    assert not isinstance(found, str)
    articles = {item.source_id.partition(":")[0] for item in found if isinstance(item, Passage)}
    rejects = [item for item in found if isinstance(item, Reject)]
    assert len(articles) + len(rejects) == len([item for item in given if item != "<siteinfo/>"])


@pytest.mark.parametrize("pack", [_tar, _zip])
@settings(cases, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["", "x/", "../", "/"]), st.sampled_from(sorted(PLAIN))), max_size=5))
def test_an_archive_gives_what_its_members_give_alone(
    tmp_path: Path, pack: Callable[[Sequence[tuple[str, bytes]]], bytes], given: list[tuple[str, str]]
) -> None:
    members = [(f"{folder}{n}-{name}", PLAIN[name]) for n, (folder, name) in enumerate(given)]
    name = "a.tar" if pack is _tar else "a.zip"
    found = read(tmp_path / name, pack(members))
    expected: list[tuple[str, object]] = []
    for member, content in members:
        if member.startswith(("../", "/")):
            expected.append(("reject", f"{name}/{member}"))
            continue
        alone = read(tmp_path / Path(member).name, content)
        expected.extend(
            _named(item, lambda source, member=member: f"{name}/{Path(member).parent}/{source}") for item in alone
        )
    assert [_named(item, lambda source: source) for item in found] == [
        (kind, what.replace("/./", "/") if kind == "reject" else what)
        for kind, what in expected  # type: ignore[union-attr]
    ]


def _named(item: Item | str, place: Callable[[str], str]) -> tuple[str, object]:
    assert not isinstance(item, str)
    return ("reject", place(item.source)) if isinstance(item, Reject) else ("record", item)
