from pathlib import Path

import pytest

from flows import published
from qamat_core.claims import CLAIMS
from qamat_core.report.figures import collect
from qamat_core.report.render import Report, write
from schemas.evaluation import ReportConfig
from tests.qamat_core.report.plausible import metrics


def test_every_table_and_the_claims_stand_in_the_prefect_ui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, list[dict[str, str]]] = {}
    monkeypatch.setattr(published, "create_table_artifact", lambda rows, key, **_: made.update({key: rows}))
    measured = [figure for figure in collect([metrics()]) if figure.row != "Closed-book T5"]
    write(Report(ReportConfig(preset="mini", rerun="qamat reproduce"), measured, [], [], []), tmp_path)
    published.publish(tmp_path, "world")
    both = {f"world-table{number}-{source}" for number in range(1, 6) for source in ("measured", "paper")}
    assert both | {"world-figure7-measured", "world-abstention-measured", "world-claims"} <= set(made)
    table2 = {row["row"]: row["World"] for row in made["world-table2-measured"]}
    assert table2["QAMAT Fine-tuned (gold memory, base, K 4)"] == "88.6 (86.7–90.4)"  # noqa: RUF001
    assert table2["Closed-book T5"] == "missing"
    assert {row["claim"] for row in made["world-claims"]} == {claim.text for claim in CLAIMS}
