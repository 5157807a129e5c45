"""`qamat artifacts` on a small store."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from huggingface_hub import ModelCard

from qamat_core.store.store import DirectoryDraft, Job, Store
from qamat_core.t5.checkpoints.external import read_weights
from qamat_core.t5.conversion import from_transformers
from qamat_core.training.checkpoint import CheckpointCard, save_checkpoint
from schemas.resources import Resources
from tasks import import_start
from tasks.external_t5 import T5Source
from tests.object_store import BUCKET, s3_server
from tests.qamat_core.store.jobs import RejectsConfig, make_directory, make_table
from tests.qamat_core.t5.checkpoints.foreign import OLD, save_huggingface, state, tokenizer
from tests.tasks.corpus import pair, register


def test_a_home_in_an_object_store_is_listed_and_verified(qamat, monkeypatch, tmp_path):
    monkeypatch.setenv("QAMAT_MIRRORS", str(tmp_path / "mirrors"))
    home = f"s3://{BUCKET}/home"
    with s3_server() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert qamat("artifacts", "ls", "--home", home, "--json").json == {"artifacts": []}
        ref = make_table(Store(home))
        assert qamat("artifacts", "verify", "--home", home).out == "1 artifacts verified, 0 damaged\n"
        assert f"{home}/{ref.uri}" in qamat("artifacts", "show", "rejects/small", "--home", home).out


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with a chain of three tables and two versions of a directory."""
    passages = make_table(store, "p", "passages")
    answers = make_table(store, "a", "answers", passages=passages)
    make_table(store, "m", "memory", answers=answers, passages=passages)
    make_directory(store, "a")
    make_directory(store, "b")
    return store


def test_an_empty_home_has_no_artifacts_and_stays_untouched(qamat, home):
    assert qamat("artifacts", "ls", "--json").json == {"artifacts": []}
    assert not home.exists()


@pytest.mark.parametrize("command", ["verify", "show rejects/a", "lineage rejects/a"])
def test_a_home_that_is_not_there_is_refused(qamat, home, command):
    result = qamat("artifacts", *command.split())
    assert result.code == 1
    assert result.err == f"qamat: no artifacts at {home}: give --home or set QAMAT_HOME\n"


def test_ls_gives_one_line_a_version(qamat, filled):
    lines = qamat("artifacts", "ls").out.splitlines()
    assert [line.split("\t")[0] for line in lines] == [
        "rejects/passages@0",
        "rejects/answers@0",
        "rejects/memory@0",
        "checkpoint/small@0",
        "checkpoint/small@1",
    ]


def test_ls_selects_by_kind_and_name(qamat, filled):
    found = qamat("artifacts", "ls", "--kind", "rejects", "--name", "memory", "--json").json["artifacts"]
    assert [(row["kind"], row["name"], row["rows"]) for row in found] == [("rejects", "memory", 2)]


def test_show_gives_the_newest_version_or_the_one_asked_for(qamat, filled):
    assert qamat("artifacts", "show", "checkpoint/small", "--json").json["ref"]["version"] == 1
    record = qamat("artifacts", "show", "checkpoint/small@0", "--json").json
    assert (record["ref"]["version"], record["config"], record["bytes"]) == (0, {"text": "a", "rows": 2}, 101)
    assert "read:" in qamat("artifacts", "show", "rejects/memory").out


def test_lineage_is_drawn_to_the_sources(qamat, filled):
    out = qamat("artifacts", "lineage", "rejects/memory").out.splitlines()
    assert out[0].startswith("rejects/memory@0")
    assert ["passages: rejects/passages@0" in line for line in out] == [False, False, True, True]
    nodes = qamat("artifacts", "lineage", "rejects/memory", "--json").json["nodes"]
    assert nodes["rejects/memory@0"]["inputs"] == {"answers": "rejects/answers@0", "passages": "rejects/passages@0"}
    assert nodes["rejects/passages@0"]["inputs"] == {}


def test_verify_names_the_damage_and_discard_mends_it(qamat, filled):
    assert qamat("artifacts", "verify", "--json").json == {"verified": 5, "damaged": [], "faults": [], "discarded": 0}
    (shard,) = filled.open_shards(filled.newest("rejects", "answers"))
    data = bytearray(shard.read_bytes())
    data[60] ^= 1
    shard.write_bytes(data)

    result = qamat("artifacts", "verify", "--json")
    assert result.code == 1
    assert str(shard) in result.err
    assert qamat("artifacts", "verify", "rejects/memory").code == 0
    result = qamat("artifacts", "verify", "--discard", "--json")
    assert (result.code, result.json["damaged"], result.json["discarded"]) == (0, ["rejects/answers@0"], 1)
    assert qamat("artifacts", "verify").out == "4 artifacts verified, 0 damaged\n"


@pytest.fixture
def versions(store: Store) -> Store:
    """A store with three versions of a memory, and another memory."""
    rows = [pair(f"q{number}", "Who wrote it?", "x" * 99) for number in range(4)]
    for name, kept in (("m", rows[:3]), ("m", rows), ("m", [rows[0], rows[1] | {"answer": "y"}]), ("n", rows[:1])):
        register(store, "qa_pairs", name, kept)
    return store


@pytest.mark.parametrize(
    ("named", "between", "counts"),
    [
        ("m", (1, 2), (0, 2, 1)),
        ("m@0", (0, 2), (0, 1, 1)),
        ("m@0 @1", (0, 1), (1, 0, 0)),
        ("m@2 qa_pairs/m@1", (2, 1), (2, 0, 1)),
        ("m@1 @1", (1, 1), (0, 0, 0)),
    ],
)
def test_diff_counts_what_two_versions_differ_in(qamat, versions, named, between, counts):
    first, second = (f"qa_pairs/m@{version}" for version in between)
    told = qamat("artifacts", "diff", *f"qa_pairs/{named}".split(), "--json").json
    added, removed, changed = counts
    assert told == {
        "before": first,
        "after": second,
        "added": added,
        "removed": removed,
        "changed": changed,
        "out": None,
    }


def test_diff_shows_the_first_rows_and_writes_all(qamat, versions, tmp_path):
    out = tmp_path / "delta.parquet"
    lines = qamat("artifacts", "diff", "qa_pairs/m", "--out", out).out.splitlines()
    assert lines[0] == "qa_pairs/m@1 to qa_pairs/m@2: 0 added, 2 removed, 1 changed"
    assert [line.split("\t")[:2] for line in lines[1:]] == [["removed", "q2"], ["removed", "q3"], ["changed", "q1"]]
    assert max(map(len, lines[1].split("\t"))) == 60
    rows = pq.read_table(out).to_pylist()
    assert [(row["change"], row["qa_id"], row["answer"][:1]) for row in rows] == [
        ("changed", "q1", "y"),
        ("removed", "q2", "x"),
        ("removed", "q3", "x"),
    ]
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("qa_pairs/n", 1, "qa_pairs/n@0 is the only version"),
        ("qa_pairs/m@7 @1", 1, "qa_pairs/m@7 is not registered"),
        ("qa_pairs/m @x", 2, "@VERSION"),
        ("qa_pairs/m --out /nowhere/x.parquet", 1, "give a file that can be written"),
    ],
)
def test_diff_refuses_in_one_line(qamat, versions, arguments, code, words):
    result = qamat("artifacts", "diff", *arguments.split())
    assert (result.code, words in " ".join(result.err.split())) == (code, True)
    assert code == 2 or result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("artifacts show rejects/memmory", 1, "rejects/memmory is not registered; names of kind rejects: answers"),
        ("artifacts show rejects/memory@9", 1, "rejects/memory@9 is not registered"),
        ("artifacts show memory", 2, "KIND/NAME@VERSION"),
        ("artifacts shw", 2, "No such command"),
        ("artifacts ls --knd x", 2, "No such option"),
        ("artifacts verify nonsense", 2, "KIND/NAME@VERSION"),
        ("artifacts show rejects/memory --home /proc/version", 1, "no artifacts at /proc/version"),
    ],
)
def test_refusals_are_one_clear_line(qamat, filled, arguments: str, code: int, words: str):
    result = qamat(*arguments.split())
    assert result.code == code
    assert words in " ".join(result.err.split())
    assert "Traceback" not in result.err
    assert code == 2 or result.err.count("\n") == 1


def test_a_refusal_in_json_is_an_object_too(qamat, filled):
    assert qamat("artifacts", "show", "rejects/x", "--json").json["error"].startswith("rejects/x is not registered")


@pytest.fixture
def checkpoints(store: Store, tmp_path: Path) -> Store:
    """A store with a T5 that was brought in, and one with a pointer head."""
    source = save_huggingface(tmp_path / "t5", OLD, state(OLD))
    tokenizer().save(source)
    refs = import_start.run(T5Source(str(source)), name="t5", resources=Resources(home=str(store.home)))
    aided = CheckpointCard(
        role="init", model=OLD.model_copy(update={"pointer_head": True}), tokenizer=refs.tokenizer, settings={}
    )
    job = Job("schemas.tables", RejectsConfig(), {}, {"model": ("checkpoint", "aided")})

    def build(work):
        save_checkpoint(work, from_transformers(state(OLD), OLD), aided, [])
        return {"model": DirectoryDraft(work)}

    store.produce(job, build)
    return store


@pytest.mark.parametrize("name", ["t5", "t5@0", "checkpoint/t5@0"])
def test_export_writes_what_others_load(qamat, checkpoints, tmp_path, name):
    out = tmp_path / "new" / "out"
    told = qamat("artifacts", "export", name, "--format", "hf", "--out", out, "--json").json
    assert told == {"checkpoint": "checkpoint/t5@0", "format": "hf", "out": str(out), "files": 6}
    assert read_weights(out).model == OLD
    assert ModelCard.load(out / "README.md").data.tags[:1] == ["qamat"]
    assert [path.name for path in out.parent.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("t5 --format hf --out {tmp_path}/t5", 1, "t5: is there already; give --out a new directory"),
        ("t5 --format hf --out /proc/none/x", 1, "/proc/none/x: cannot be written"),
        ("none --format t5x --out {tmp_path}/x", 1, "checkpoint/none is not registered"),
        ("aided --format t5x --out {tmp_path}/x", 1, "checkpoint/aided@0: its T5 has a pointer head"),
        ("t5 --format onnx --out {tmp_path}/x", 2, "--format"),
        ("qa_pairs/m --format hf --out {tmp_path}/x", 2, "is no checkpoint"),
    ],
)
def test_export_refuses_in_one_line(qamat, checkpoints, tmp_path, arguments, code, words):
    result = qamat("artifacts", "export", *arguments.format(tmp_path=tmp_path).split())
    assert (result.code, words in " ".join(result.err.split())) == (code, True), result.err
    assert code == 2 or result.err.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_a_card_is_printed_or_written(qamat, store, tmp_path):
    register(store, "qa_pairs", "m", [pair("q0", "where?", "here")])
    printed = qamat("artifacts", "card", "qa_pairs/m")
    assert printed.out.startswith("---\nlanguage: en\n")
    out = tmp_path / "README.md"
    assert qamat("artifacts", "card", "qa_pairs/m", "--out", str(out)).out == f"{out}\n"
    assert out.read_text().strip() == printed.out.strip()
    lost = qamat("artifacts", "card", "qa_pairs/m", "--out", str(tmp_path / "none" / "README.md"))
    assert lost.code == 1
    assert "give another --out" in lost.err
