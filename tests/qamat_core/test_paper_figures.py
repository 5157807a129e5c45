from qamat_core.paper_figures import quoted
from schemas.tables import METRICS

ROWS = quoted().to_pylist()


def value(table: str, row: str, dataset: str, **place: object) -> float:
    wanted = {"table": table, "row": row, "dataset": dataset} | place
    (found,) = [figure["value"] for figure in ROWS if wanted.items() <= figure.items()]
    return round(found, 1)


def test_every_quoted_figure_says_so_and_has_a_place_of_its_own() -> None:
    assert quoted().schema == METRICS
    assert {row["source"] for row in ROWS} == {"quoted"}
    places = [tuple(v for name, v in row.items() if name != "value") for row in ROWS]
    assert len(places) == len(set(places))


def test_figures_stand_where_the_paper_prints_them() -> None:
    assert value("table2", "QAMAT Zero-Shot", "webquestions", model_size="large") == 25.1
    assert value("table2", "FiD", "triviaqa") == 65.0
    assert value("table3", "QAMAT+", "musique", metric="f1") == 29.8
    assert value("table4", "QAMAT Fine-tuned", "nq", metric="recall", k=20) == 62
    assert value("table5", "Only Global", "triviaqa") == 28.9
    assert value("table6", "PAQ 65M", "triviaqa") == 48.0
    assert value("table7", "QAMAT Fine-tuned", "nq", x=25) == 43.8
    assert value("speed", "FiD", "") == 50
    assert value("table1", "Combined", "wikipedia", metric="entries") == 60e6


def test_what_the_paper_does_not_print_has_no_row() -> None:
    assert not [row for row in ROWS if row["row"] == "FiD" and row["dataset"] == "webquestions"]
    assert [row["x"] for row in ROWS if row["table"] == "figure7"] == [100, 100, 100]
