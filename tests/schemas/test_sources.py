"""The catalogue: pins have an origin, files do not meet, and what it says reads a file does read it."""

import bz2
import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest
from pydantic import ValidationError

from qamat_core.readers.formats import open_corpus, open_passages, open_questions
from qamat_core.readers.pairs_formats import read_pairs
from schemas.records import Annotation, Reject
from schemas.sources import SOURCES, Source

_PAQ = {"question": "who wrote it?", "subsets": ["L1"], "passage_score": -1.0}
_SPANS = [{"passage_id": "1", "offset": 0, "text": "Kepler", "extractor": "L"}]
_QAS = [{"id": "1", "question": "who wrote it?", "answers": [{"text": "Kepler", "answer_start": 0}]}]
CONTENTS: dict[str, str] = {
    ".tsv.gz": "id\ttext\ttitle\n1\tKepler wrote it.\tKepler\n",
    ".xml.bz2": (
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/"><page><title>Kepler</title><ns>0</ns><id>1</id>'
        "<revision><id>2</id><text>Johannes Kepler was an astronomer.</text></revision></page></mediawiki>"
    ),
    ".qa.csv": "who wrote it\t['Kepler']\n",
    ".qa.csv.gz": "who wrote it\t['Kepler']\n",
    "PAQ.metadata.jsonl.gz": json.dumps(_PAQ | {"answer": "Kepler", "answers": _SPANS}) + "\n",
    "PAQ.unfiltered_metadata.jsonl.gz": json.dumps(
        _PAQ | {"canonical_answer": "Kepler", "consistent": True, "consistent_subsets": ["L1"], "answers": _SPANS}
    )
    + "\n",
    "webquestions-train.json": json.dumps([{"utterance": "who", "targetValue": "(list (description Kepler))"}]),
    "webquestions-test.json": json.dumps([{"utterance": "who", "targetValue": "(list (description Kepler))"}]),
    ".jsonl": json.dumps({"question": "who wrote it", "answer": ["Kepler"]}) + "\n",
    "hotpot": json.dumps(
        [{"_id": "1", "question": "who?", "answer": "Kepler", "context": [["Kepler", ["Kepler wrote it."]]]}]
    ),
    ".json": json.dumps({"data": [{"title": "T", "paragraphs": [{"context": "Kepler wrote it.", "qas": _QAS}]}]}),
    "PAQ.tar.gz": json.dumps({"question": "who wrote it?", "answer": ["Kepler"]}) + "\n",
    "OpenTriviaQA-master.zip": "#Q Who wrote it?\n^ Kepler\nA Kepler\nB Brahe\n",
}
"""What a source's file is named by (the first that fits) -> what stands in such a file."""


def written(source: Source, directory: Path) -> Path:
    """Write a small file of the source's form, under its name."""
    key = next(
        key
        for key in sorted(CONTENTS, key=len, reverse=True)
        if source.file.startswith(key) or source.file.endswith(key)
    )
    content, path = CONTENTS[key].encode(), directory / source.file
    if path.name.endswith(".tar.gz"):
        with tarfile.open(path, "w:gz") as archive:
            for name, member in (("PAQ/LICENSE", b"text"), ("PAQ/PAQ.filtered.jsonl", content)):
                info = tarfile.TarInfo(name)
                info.size = len(member)
                archive.addfile(info, io.BytesIO(member))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("OpenTriviaQA-master/README.md", "text")
            archive.writestr("OpenTriviaQA-master/categories/people", content)
    else:
        pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(path.suffix, bytes)
        path.write_bytes(pack(content))
    return path


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if source.use])
def test_what_is_said_to_read_a_source_reads_it(name: str, tmp_path: Path):
    source = SOURCES[name]
    path = written(source, tmp_path)
    match source.use:
        case "passages":
            records = list(open_passages(path))
        case "squad":
            records = list(open_corpus(path))
            assert any(isinstance(record, Annotation) for record in records)
        case "questions":
            records = list(open_questions(path, source.dataset, source.split))
        case form:
            records = list(read_pairs(path, form or "jsonl"))
    assert records
    assert not any(isinstance(record, Reject) for record in records)


def test_no_two_sources_meet_in_one_file():
    assert len({source.file for source in SOURCES.values()}) == len(SOURCES)
    endings = (".part", ".version", ".sha256", ".new")
    assert not [source.file for source in SOURCES.values() if source.file.endswith(endings)]


def test_what_nobody_pinned_comes_over_https():
    assert [source.url for source in SOURCES.values() if not (source.sha256 or source.url.startswith("https://"))] == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sha256": "0" * 64, "size": 1}, "pinned_from go together"),
        ({"sha256": "0" * 64, "pinned_from": "me"}, "pinned_from go together"),
        ({"pinned_from": "me"}, "pinned_from go together"),
        ({"use": "questions"}, "questions have a dataset"),
        ({"dataset": "nq", "split": "dev"}, "questions have a dataset"),
        ({"url": "ftp://a.example/file"}, "url"),
        ({"file": "../file"}, "file"),
    ],
)
def test_a_source_that_contradicts_itself_is_refused(change: dict[str, object], reason: str):
    fields = {"name": "a", "holds": "bytes", "url": "https://a.example/file", "licence": "none", "file": "file"}
    with pytest.raises(ValidationError, match=reason):
        Source.model_validate(fields | change)
