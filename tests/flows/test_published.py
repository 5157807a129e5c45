from pathlib import Path

import pytest

from flows import published
from qamat_core.claims import CLAIMS
from qamat_core.report.figures import Figure, collect
from qamat_core.report.render import Report, write
from schemas.evaluation import ReportConfig
from tests.qamat_core.report.plausible import metrics

Published = dict[str, list[dict[str, str]]]


def publish(measured: list[Figure], directory: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    made: Published = {}
    monkeypatch.setattr(published, "create_table_artifact", lambda rows, key, **_: made.update({key: rows}))
    write(Report(ReportConfig(preset="mini", rerun="qamat reproduce"), measured, [], [], []), directory)
    published.publish(directory, "world")
    return made


def test_every_table_and_the_claims_stand_in_the_prefect_ui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = [figure for figure in collect([metrics()]) if figure.row != "Closed-book T5"]
    made = publish(measured, tmp_path, monkeypatch)
    both = {f"world-table{number}-{source}" for number in range(1, 6) for source in ("measured", "paper")}
    assert both | {"world-figure7-measured", "world-abstention-measured", "world-claims"} <= set(made)
    table2 = {row["row"]: row["World"] for row in made["world-table2-measured"]}
    assert table2["QAMAT Fine-tuned (gold memory, base, K 4)"] == "88.6 (86.7–90.4)"  # noqa: RUF001
    assert table2["Closed-book T5"] == "missing"
    tables = {figure.table for figure in measured}
    assert {row["claim"] for row in made["world-claims"]} == {
        claim.text for claim in CLAIMS if claim.first.table in tables
    }


def test_a_run_of_one_table_shows_that_table_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = [figure for figure in collect([metrics()]) if figure.table == "table4"]
    made = publish(measured, tmp_path, monkeypatch)
    assert set(made) == {"world-table4-measured", "world-table4-paper", "world-claims"}
    assert {row["claim"] for row in made["world-claims"]} == {
        claim.text for claim in CLAIMS if claim.first.table == "table4"
    }
