"""Metrics of the size and shape of a whole reproduction, with made-up values: for the tests of the report only."""

from collections.abc import Iterator

import pyarrow as pa

from qamat_core.evaluation.abstention import BIASED, CONFIDENCES, MEASURES
from qamat_core.evaluation.attribution import NAMES
from schemas.tables import METRICS

PLACE = {"split": "test", "model_size": "base", "source": "measured", "n": 2320, "seed": 0}


def metrics() -> pa.Table:
    """Return a ``metrics`` table with every cell that the report expects."""
    return pa.Table.from_pylist([PLACE | row for row in _rows()], schema=METRICS)


def _rows() -> Iterator[dict[str, object]]:
    for metric, value in (("entries", 5104.0), ("passages", 2000.0)):
        yield _row("table1", "Generated", "world", metric, value) | {"n": None}
    for number, metric in enumerate(("coverage", "precision", "filter_recall", "unfiltered_coverage")):
        yield _with_interval(_row("table1", "Generated", "world", metric, 83.1 + number))
    for memory, values in (("generated", (71.3, 24.2, 52.9)), ("gold", (88.6, 36.4, 59.1))):
        for row, value in zip(("QAMAT Fine-tuned", "QAMAT Zero-Shot", "BM25 questions"), values, strict=True):
            yield _with_interval(_row("table2", row, "world", "em", value, memory) | {"k": 4})
        for x, value in ((0, 2.0), (25, 22.7), (50, 44.1), (75, 61.9), (100, values[0])):
            yield _with_interval(_row("figure7", "QAMAT Fine-tuned", "world", "em", value, memory) | {"x": x, "k": 4})
    for row, value in (("Dense questions", 46.2), ("RePAQ", 61.7), ("RePAQ+Rerank", 66.8)):
        yield _with_interval(_row("table2", row, "world", "em", value, "generated"))
    for row, value in (("BM25+Extractive", 81.0), ("DPR+Extractive", 70.4), ("BM25+FiD", 76.6), ("DPR+FiD", 69.1)):
        yield _with_interval(_row("table2", row, "world", "em", value, "none") | {"k": 3})
    yield _with_interval(_row("table2", "Closed-book T5", "world", "em", 3.4, "none"))
    yield from _two_hops()
    for k, recall, em in ((1, 91.2, 80.3), (2, 94.6, 84.1), (4, 96.0, 88.6), (8, 97.7, 85.2)):
        yield _with_interval(_row("table4", "QAMAT Fine-tuned", "world", "recall", recall, "gold") | {"k": k})
        yield _with_interval(_row("table4", "QAMAT Fine-tuned", "world", "em", em, "gold") | {"k": k})
    for row, value in (("Only In-Batch", 87.9), ("Only Global", 19.5), ("In-Batch->Global", 88.6)):
        yield _with_interval(_row("table5", row, "world", "em", value, "gold") | {"k": 4})
    yield from _appendix()
    yield from _trust()
    yield from _claims()
    for row, value in (("As the preset", 88.6), ("Latent term alone", 1.5)):
        yield _with_interval(_row("ablations", row, "world", "em", value, "gold") | {"k": 4})
        for step in range(13, 270, 13):
            for metric, reached in (("training_recall", value * step / 260), ("training_loss", 8 - step / 50)):
                point = {"x": float(step), "n": None, "seed": None}
                yield _row("ablations", row, "world", metric, reached, "gold") | point


def _two_hops() -> Iterator[dict[str, object]]:
    rows = (("RePAQ", 12.6), ("QAMAT", 9.7), ("QAMAT+", 66.2), ("Closed-book T5", 2.1), ("MDR+T5-Decoder", 31.4))
    for number, dataset in enumerate(("world-two-hop", "world-b-two-hop")):
        for row, value in (*rows, ("QAMAT+ without HotpotQA's start", 51.2))[: 5 + number]:
            memory = "none" if "T5" in row else "gold"
            k = {"k": 4} if "QAMAT" in row else {}
            yield _with_interval(_row("table3", row, dataset, "f1", value, memory) | k)
            yield _with_interval(_row("table3", row, dataset, "em", value - 1.3, memory) | k)


def _trust() -> Iterator[dict[str, object]]:
    for row, value in zip(CONFIDENCES, (64.0, 85.8, 87.3, 88.1), strict=True):
        for metric, x in MEASURES:
            made = _row("abstention", row, "world", metric, value if metric != "risk" else (x or 0) / 4) | {
                "x": x,
                "k": 4,
            }
            yield made if metric in BIASED else _with_interval(made)
    for row, changed in zip(NAMES.values(), (99.6, 99.9, 97.3, 1.2), strict=True):
        yield _with_interval(_row("attribution", row, "world", "answer_changed", changed) | {"k": 4, "n": 500})
        if row != NAMES["first"]:
            yield _with_interval(_row("attribution", row, "world", "right_lost", changed - 0.7) | {"k": 4, "n": 357})


def _appendix() -> Iterator[dict[str, object]]:
    for row, memory, value in (
        ("Ours 60M", "generated", 71.3),
        ("PAQ 65M", "imported", 41.8),
        ("Both", "joined", 79.9),
    ):
        yield _with_interval(_row("table6", row, "world", "em", value, memory) | {"k": 4})
        yield _with_interval(_row("table6", row, "world", "recall", value - 2.0, memory) | {"k": 1})
    for x, value in ((5, 40.4), (25, 60.1), (50, 66.6), (100, 71.3)):
        yield _with_interval(_row("table7", "QAMAT Fine-tuned", "world", "em", value) | {"x": x, "k": 4})
    yield _with_interval(_row("table7", "DPR-reverse", "world", "em", 51.2) | {"k": 4})
    for row, value in (("Neural part alone", 1.1), ("Discrete part alone", 71.3), ("Both parts", 71.9)):
        yield _with_interval(_row("integration", row, "world", "em", value) | {"k": 4})
    for row, value in (("QAMAT", 312.2), ("FiD", 61.4)):
        yield _row("speed", row, "world", "questions_per_second", value)


def _claims() -> Iterator[dict[str, object]]:
    for claim, difference, p in (("bm25", 18.4, 0.0001), ("fine-tuning", 0.3, 0.31), ("large-memory", 1.1, 0.4)):
        for memory in ("generated", "gold"):
            x = {"x": 100.0} if claim == "large-memory" else {}
            made = _row("claims", claim, "world", "difference", difference, memory) | {"k": 4, "seed": None} | x
            yield made | {"low": difference - 1.4, "high": difference + 0.6}
            yield made | {"metric": "p", "value": p}


def _row(table: str, row: str, dataset: str, metric: str, value: float, memory: str = "generated") -> dict[str, object]:
    return {"table": table, "row": row, "dataset": dataset, "metric": metric, "value": value, "memory": memory}


def _with_interval(row: dict[str, object]) -> dict[str, object]:
    value = row["value"]
    assert isinstance(value, float)
    return row | {"low": max(value - 1.9, 0.0), "high": min(value + 1.8, 100.0)}
