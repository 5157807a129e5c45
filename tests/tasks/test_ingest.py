"""Files become tables in file order, every record counted; a changed file is read again, bad ones are refused."""

import json
import os
from pathlib import Path

import pytest

from qamat_core.store.store import Store
from schemas.corpus import IngestConfig
from schemas.errors import InputError, RejectLimitError
from schemas.resources import Resources
from tasks import ingest_passages, ingest_questions

SHARED = Path(os.environ.get("QAMAT_SHARED_DATA", "../shared/data"))
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
