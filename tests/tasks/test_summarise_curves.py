"""Curves of several seeds become one curve of figures."""

import pyarrow as pa

from schemas.evaluation import CurveConfig, Place
from tasks.summarise_curves import curve_rows

PLACE = Place(table="ablations", row="As the preset", dataset="world", split="test", memory="gold", model_size="toy")


def _history(recall: list[float], loss: list[float]) -> pa.Table:
    return pa.table({"step": [10, 20], "loss": [9.0, 9.0], "recall_at_1": recall, "answer_loss": loss})


def test_every_point_is_the_mean_over_the_seeds():
    rows = curve_rows(CurveConfig(place=PLACE), [_history([0.1, 0.5], [4.0, 2.0]), _history([0.3, 0.7], [6.0, 3.0])])
    points = [(row["metric"], row["x"], round(row["value"], 6)) for row in rows.to_pylist()]
    assert points == [
        ("training_recall", 10.0, 20.0),
        ("training_recall", 20.0, 60.0),
        ("training_loss", 10.0, 5.0),
        ("training_loss", 20.0, 2.5),
    ]
    assert {(row["table"], row["row"], row["source"]) for row in rows.to_pylist()} == {
        ("ablations", "As the preset", "measured")
    }
