"""Real questions and passages of the folder of real data, for benchmarks."""

import csv
import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

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


class Document(NamedTuple):
    """A real passage."""

    title: str
    text: str


def documents(number: int) -> list[Document]:
    """Return distinct passages with their titles, in random order: of Wikipedia (DPR), 2WikiMultihopQA and SQuAD.

    There are about 22,000; the same ones come again, each with its round at the end of its title, where more are
    wanted.
    """
    real = list(dict.fromkeys(_documents(_folder())))
    random.Random(0).shuffle(real)
    rounds = range(-(-number // len(real)))
    again = (Document(f"{one.title} {turn}" if turn else one.title, one.text) for turn in rounds for one in real)
    return list(islice(again, number))


def write_passages(documents: Mapping[int, Document], file: Path) -> None:
    """Write passages under these ids as a TSV of DPR's form."""
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened, delimiter="\t")
        writer.writerow(["id", "text", "title"])
        writer.writerows((number, one.text, one.title) for number, one in documents.items())


def squad_file() -> Path:
    """Return the file of SQuAD's training questions."""
    return _folder() / "squad" / "train-v1.1-part.json"


def trivia_files() -> list[Path]:
    """Return OpenTriviaQA's files, about 50,000 pairs."""
    return sorted((_folder() / "opentriviaqa" / "categories").iterdir())


def _folder() -> Path:
    folder = Path(os.environ.get("QAMAT_SHARED_DATA", "../shared/data"))
    if not folder.is_dir():
        raise ConfigError(f"benchmark: no real data at {folder}; set QAMAT_SHARED_DATA")
    return folder


def _documents(folder: Path) -> Iterator[Document]:
    with (folder / "passages" / "psgs_w100_subset.tsv").open(newline="") as file:
        yield from (_document(row["title"], row["text"]) for row in csv.DictReader(file, delimiter="\t"))
    for row in _json(folder / "passages" / "2wikimultihopqa_corpus.json"):
        yield _document(row["title"], row["text"])
    for article in _json(folder / "squad" / "train-v1.1-part.json")["data"]:
        yield from (_document(article["title"], part["context"]) for part in article["paragraphs"])


def _document(title: str, text: str) -> Document:
    return Document(" ".join(title.split()), " ".join(text.split()))


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
    for path in trivia_files():
        lines: Sequence[str] = path.read_text(errors="replace").splitlines()
        yield from (line.removeprefix("#Q ").strip() for line in lines if line.startswith("#Q "))


def _json(path: Path) -> Any:
    return json.loads(path.read_text())
