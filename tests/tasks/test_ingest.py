"""Files become tables in file order, every record counted; a changed file is read again, bad ones are refused."""

import bz2
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from qamat_core.readers.wiki_vital import locate
from qamat_core.store.store import Store
from schemas.corpus import IngestConfig
from schemas.errors import InputError, RejectLimitError
from schemas.resources import Resources
from tasks import ingest_passages, ingest_questions
from tests.qamat_core.readers.dumps import dump, page

SHARED = Path(os.environ.get("QAMAT_SHARED_DATA", "../shared/data"))
BROKEN = "malformed JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
CONFIG = IngestConfig(shard_rows=4, max_reject_share=0.2)


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    return Resources(home=str(tmp_path / "home"))


def _jsonl(path: Path, count: int, *more: str) -> Path:
    lines = [json.dumps({"id": str(n), "title": f"T{n}", "text": f"Text {n}."}) for n in range(count)]
    path.write_text("\n".join([*lines, *more]) + "\n")
    return path


def test_rows_stand_in_file_order_and_rejects_in_their_table(tmp_path: Path, resources: Resources):
    path = _jsonl(tmp_path / "a.jsonl", 9, "{broken")
    refs = ingest_passages.run(CONFIG, [path], name="a", resources=resources)
    store = Store(resources.home)
    row = store.row(refs.passages)
    assert [file.rows for file in row.files] == [4, 4, 1]
    assert (row.read, row.kept, row.rejected) == (10, 9, 1)
    assert store.open_table(refs.passages).column("source_id").to_pylist() == [str(n) for n in range(9)]
    assert [reject["source"] for reject in store.open_table(refs.rejects).to_pylist()] == ["a.jsonl:10"]
    assert store.open_table(refs.annotations).num_rows == 0


def test_a_passage_of_an_earlier_file_is_rejected(tmp_path: Path, resources: Resources):
    first, second = _jsonl(tmp_path / "a.jsonl", 8), tmp_path / "b.jsonl"
    second.write_text(
        "\n".join([*first.read_text().splitlines()[:1], *[json.dumps({"text": f"new {n}"}) for n in range(8)]])
    )
    refs = ingest_passages.run(CONFIG, [first, second], name="a", resources=resources)
    store = Store(resources.home)
    assert store.row(refs.passages).kept == 16
    assert store.open_table(refs.rejects).column("reason").to_pylist() == ["the same record stands in an earlier file"]


def test_a_moved_file_is_not_read_again_and_a_changed_one_is(tmp_path: Path, resources: Resources):
    path = _jsonl(tmp_path / "a.jsonl", 5)
    before = ingest_passages.run(CONFIG, [path], name="a", resources=resources)
    (tmp_path / "moved").mkdir()
    moved = path.rename(tmp_path / "moved" / "a.jsonl")
    assert ingest_passages.run(CONFIG, [moved], name="a", resources=resources) == before
    _jsonl(moved, 6)
    after = ingest_passages.run(CONFIG, [moved], name="a", resources=resources)
    assert after.passages.version == before.passages.version + 1
    assert Store(resources.home).open_table(after.passages).num_rows == 6


def test_an_archive_is_read_and_its_bad_members_are_rejects(tmp_path: Path, resources: Resources):
    path, content = tmp_path / "a.tar.gz", _jsonl(tmp_path / "a.jsonl", 9, "{broken").read_bytes()
    with tarfile.open(path, "w:gz") as archive:
        for name, kind in (("a.jsonl", tarfile.REGTYPE), ("../b.jsonl", tarfile.REGTYPE), ("c.jsonl", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(content))
    refs = ingest_passages.run(IngestConfig(max_reject_share=0.5), [path], name="a", resources=resources)
    store = Store(resources.home)
    row = store.row(refs.passages)
    assert (row.read, row.kept, row.rejected) == (12, 9, 3)
    assert [(reject["source"], reject["reason"]) for reject in store.open_table(refs.rejects).to_pylist()] == [
        ("a.tar.gz/a.jsonl:10", BROKEN),
        ("a.tar.gz/../b.jsonl", "the member's name leaves the archive"),
        ("a.tar.gz/c.jsonl", "the member is a link"),
    ]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.jsonl", "a.tar.gz", "home"]


def test_a_dump_with_more_redirects_than_articles_is_no_fault(tmp_path: Path, resources: Resources):
    path = tmp_path / "w.xml.bz2"
    redirects = [page(n, f"R{n}", "#REDIRECT [[A]]", redirect="A") for n in range(2, 9)]
    path.write_bytes(bz2.compress(dump(page(1, "A", "word " * 250), *redirects)))
    refs = ingest_passages.run(IngestConfig(), [path], name="w", resources=resources)
    store = Store(resources.home)
    row = store.row(refs.passages)
    assert (row.read, row.kept, row.rejected) == (10, 3, 7)
    assert store.open_table(refs.passages).column("source_id").to_pylist() == ["1:0", "1:500", "1:1000"]


def test_paragraphs_that_stand_in_two_files_are_no_fault(tmp_path: Path, resources: Resources):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    for path in (first, second):
        path.write_text(json.dumps([{"context": [["Rome", ["Old."]], [path.name, ["New."]]]}]))
    refs = ingest_passages.run(IngestConfig(), [first, second], name="h", resources=resources)
    row = Store(resources.home).row(refs.passages)
    assert (row.read, row.kept, row.rejected) == (4, 3, 1)


def test_wiki_vital_is_read_from_the_package(resources: Resources):
    try:
        locate(Path("wiki-vital"))
    except InputError as error:
        pytest.skip(str(error))
    refs = ingest_passages.run(IngestConfig(shard_rows=4096), [Path("wiki-vital")], name="w", resources=resources)
    row = Store(resources.home).row(refs.passages)
    assert (row.read, row.rejected) == (row.kept, 0)
    assert row.kept > 12_000


def test_too_many_rejects_leave_nothing_behind(tmp_path: Path, resources: Resources):
    path = _jsonl(tmp_path / "a.jsonl", 2, "{broken")
    with pytest.raises(RejectLimitError, match="1 of 3 records rejected"):
        ingest_passages.run(CONFIG, [path], name="a", resources=resources)
    assert Store(resources.home).registry.rows() == []


def test_a_missing_file_is_named(tmp_path: Path, resources: Resources):
    with pytest.raises(InputError, match=r"nowhere\.jsonl: no such file"):
        ingest_passages.run(CONFIG, [tmp_path / "nowhere.jsonl"], name="a", resources=resources)


def test_squad_gives_passages_and_annotations_in_them(resources: Resources):
    path = SHARED / "squad" / "train-v1.1-part.json"
    if not path.exists():
        pytest.skip(f"no {path}: set QAMAT_SHARED_DATA")
    refs = ingest_passages.run(IngestConfig(), [path], name="squad", resources=resources)
    store = Store(resources.home)
    texts = {row["passage_id"]: row["text"] for row in store.open_table(refs.passages).to_pylist()}
    annotations = store.open_table(refs.annotations).to_pylist()
    row = store.row(refs.annotations)
    assert row.read == len(texts) + len(annotations) + row.rejected
    assert len(annotations) > 20_000
    assert all(texts[item["passage_id"]].startswith(item["answers"][0], item["start"]) for item in annotations)


def test_real_questions_come_whole(resources: Resources):
    path = SHARED / "nq_open" / "NQ-open.dev.jsonl"
    if not path.exists():
        pytest.skip(f"no {path}: set QAMAT_SHARED_DATA")
    refs = ingest_questions.run(IngestConfig(), path, dataset="nq", split="test", name="nq-test", resources=resources)
    table = Store(resources.home).open_table(refs.qa_examples)
    assert table.num_rows == 3610
    assert table.column("dataset").unique().to_pylist() == ["nq"]
    assert table.column("split").unique().to_pylist() == ["test"]


def test_another_number_of_questions_than_the_papers_is_told_each_time(
    tmp_path: Path, resources: Resources, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "w.json"
    path.write_text(json.dumps([{"qText": "who", "answers": ["Bo"]}]))
    note = "1 questions of WebQuestions dev, the paper has 361"
    for _ in range(2):
        refs = ingest_questions.run(IngestConfig(), path, dataset="webq", split="dev", name="w", resources=resources)
        assert capsys.readouterr().err == f"qamat: warning: w.json: {note}\n"
    assert Store(resources.home).row(refs.qa_examples).notes == {"count": note}
    refs = ingest_questions.run(IngestConfig(), path, dataset="mine", split="dev", name="m", resources=resources)
    assert (capsys.readouterr().err, Store(resources.home).row(refs.qa_examples).notes) == ("", {})
