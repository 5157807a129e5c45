"""Real questions and passages of the folder of real data, for benchmarks."""

import csv
import json
import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError


def passages(number: int) -> list[str]:
    """Return Wikipedia passages of 100 words, drawn with seed 0."""
    with (_folder() / "passages" / "psgs_w100_subset.tsv").open(newline="") as file:
        return random.Random(0).sample([row["text"] for row in csv.DictReader(file, delimiter="\t")], number)


def questions(number: int) -> list[str]:
    """Return distinct questions: the real ones in random order, then ones joined of a half of each of two real ones."""
    draw = random.Random(0)
    real = list(dict.fromkeys(filter(None, _questions(_folder()))))
    draw.shuffle(real)
    words = [question.split() for question in real]
    found = dict.fromkeys(real[:number])
    while len(found) < number:
        first, second = draw.choice(words), draw.choice(words)
        found[" ".join([*first[: len(first) // 2], *second[len(second) // 2 :]])] = None
    return list(found)


def _folder() -> Path:
    folder = Path(os.environ.get("QAMAT_SHARED_DATA", "../shared/data"))
    if not folder.is_dir():
        raise ConfigError(f"benchmark: no real data at {folder}; set QAMAT_SHARED_DATA")
    return folder


def _questions(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "nq_open").glob("*.jsonl")):
        yield from (json.loads(line)["question"] for line in path.read_text().splitlines())
    for path in sorted((folder / "dpr").glob("*.csv")):
        yield from (line.split("\t")[0] for line in path.read_text().splitlines())
    for path in sorted((folder / "squad").glob("*.json")):
        paragraphs = (part for article in _json(path)["data"] for part in article["paragraphs"])
        yield from (asked["question"] for part in paragraphs for asked in part["qas"])
    for pattern, key in (
        ("webquestions/*.json", "qText"),
        ("hotpotqa/*.json", "question"),
        ("musique/*.json", "question"),
    ):
        for path in sorted(folder.glob(pattern)):
            yield from (row[key] for row in _json(path))
    for path in sorted((folder / "opentriviaqa" / "categories").iterdir()):
        lines: Sequence[str] = path.read_text(errors="replace").splitlines()
        yield from (line.removeprefix("#Q ").strip() for line in lines if line.startswith("#Q "))


def _json(path: Path) -> Any:
    return json.loads(path.read_text())
