"""`qamat data`: what it lists, fetches and says."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import typer.main

import schemas.sources
from flows.cli.main import app
from schemas.sources import SOURCES
from tests.file_server import Answer, FileServer, serving

CONTENT = b"who wrote it\t['Kepler']\n" * 1000
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A mirror that has the file of one source, which is pinned to it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    pins = {"size": len(CONTENT), "sha256": DIGEST, "pinned_from": "this test"}
    pinned = SOURCES["nq-open-dev"].model_copy(update=pins)
    monkeypatch.setattr(schemas.sources, "SOURCES", MappingProxyType(dict(SOURCES) | {"nq-open-dev": pinned}))
    with serving() as told:
        told.files = {"/NQ-open.dev.jsonl": CONTENT, "/nq-dev.qa.csv": CONTENT}
        monkeypatch.setenv("QAMAT_MIRROR", told.address)
        yield told


def test_sources_are_listed_with_what_is_there(qamat, home: Path):
    (home / "data").mkdir(parents=True)
    (home / "data" / "NQ-open.dev.jsonl").write_bytes(b"x")
    (home / "data" / "psgs_w100.tsv.gz.part").write_bytes(b"x" * 2048)
    (home / "data" / "nq-dev.qa.csv").write_bytes(b"x")
    rows = {line.split("\t")[0]: line.split("\t")[2:] for line in qamat("data", "ls").out.splitlines()}
    assert list(rows) == list(SOURCES)
    assert rows["psgs-w100"][:3] == ["4.4 GiB", "pinned", "2.0 KiB of it"]
    assert rows["nq-open-dev"][2] == "another file"
    assert rows["dpr-nq-dev"][:3] == ["?", "-", "there"]
    assert rows["enwiki"][2] == "-"
    assert rows["paq"][3] == f"qamat corpus import {home}/data/PAQ.tar.gz --format paq"
    assert rows["triviaqa-unfiltered"][3] == "(no reader yet)"
    listed = qamat("data", "ls", "--json").json["sources"]
    assert [row["name"] for row in listed] == list(SOURCES)
    assert listed[0]["licence"] == "CC BY-SA 3.0"


def test_the_commands_that_are_named_can_be_given(qamat):
    command: Any = typer.main.get_command(app)  # typer has a click of its own
    for row in qamat("data", "ls", "--json").json["sources"]:
        if row["then"]:
            _, *arguments = shlex.split(row["then"])
            parsed = command
            while hasattr(parsed, "commands"):
                parsed = parsed.commands[arguments.pop(0)]
            assert parsed.make_context(parsed.name, arguments).params, row["then"]


def test_a_file_is_fetched_into_the_home_then_left_as_it_is(qamat, home: Path, server: FileServer):
    first = qamat("data", "fetch", "nq-open-dev")
    path = home / "data" / "NQ-open.dev.jsonl"
    assert path.read_bytes() == CONTENT
    assert "fetched, 23.4 KiB came now" in first.out
    assert f"{DIGEST} (pinned: this test)" in first.out
    assert f"qamat evaluate --checkpoint NAME --dataset nq --split dev --path {path}" in first.out
    assert "was there, whole" in qamat("data", "fetch", "nq-open-dev").out
    assert len(server.asked) == 1


def test_several_go_into_another_folder_and_into_one_object(qamat, tmp_path: Path, server: FileServer):
    result = qamat("data", "fetch", "nq-open-dev", "dpr-nq-dev", "--to", tmp_path / "here", "--json")
    assert result.json["files"] == [
        {
            "name": name,
            "path": str(tmp_path / "here" / file),
            "size": len(CONTENT),
            "sha256": DIGEST,
            "received": len(CONTENT),
            "was_there": False,
            "pinned": pinned,
            "then": f"qamat evaluate --checkpoint NAME --dataset nq --split dev --path {tmp_path / 'here' / file}",
        }
        for name, file, pinned in (("nq-open-dev", "NQ-open.dev.jsonl", True), ("dpr-nq-dev", "nq-dev.qa.csv", False))
    ]
    assert "NQ-open.dev.jsonl: 23.4 KiB of 23.4 KiB" in result.out


@dataclass(frozen=True)
class Refusal:
    """What is asked, what the server then does, and the line."""

    arguments: tuple[str, ...]
    line: str
    answer: Answer | None = None


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(("nq-open-dv",), "no source is named nq-open-dv: perhaps nq-open-dev"),
        Refusal(("nq-open-dev", "?"), "no source is named ?: `qamat data ls` lists all"),
        Refusal(("nq-open-dev",), "NQ-open.dev.jsonl: 404 Not Found; give --mirror", Answer(404)),
        Refusal(("nq-open-dev", "--mirror", "nowhere"), "mirror nowhere: give an http(s) address"),
        Refusal(("nq-open-dev", "--home", "s3://bucket/home"), "is no folder of this machine: give --to"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(refusal: Refusal, qamat, server: FileServer):
    server.script = [refusal.answer] if refusal.answer else []
    result = qamat("data", "fetch", *refusal.arguments, "--json")
    assert result.code == 1
    assert refusal.line in result.err
    assert len(result.err.splitlines()) == 1
    assert result.json == {"error": result.err.strip().removeprefix("qamat: ")}
    assert len(server.asked) == (1 if refusal.answer else 0)


def test_test_questions_are_counted_by_their_overlap(qamat, tmp_path: Path):
    train, more, test = (tmp_path / f"{name}.tsv" for name in ("train", "more", "test"))
    train.write_text("who wrote it\tKepler\n")
    more.write_text("who wrote it\tKepler\nwhere\tGraz\n")
    test.write_text("who wrote it?\tkepler\nwhen\tgraz\nwhy\tno\n")
    order = ("data", "overlap", "--dataset", "mine", "--train", train, "--train", more, "--test", test)
    told = qamat(*map(str, order), "--json").json
    assert told == {"train": 2, "test": 3, "overlap": {"question": 1, "answer": 1, "none": 1}}
    lines = qamat(*map(str, order)).out.splitlines()
    assert lines[:3] == ["train\t2\t", "test\t3\t", "question overlap\t1\t33.3 %"]
