"""The report's tables and claims in the Prefect UI, as table artifacts."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
from prefect.artifacts import create_table_artifact

from qamat_core.report.figures import from_table
from qamat_core.report.grids import compare
from qamat_core.report.layouts import LAYOUTS
from qamat_core.report.verdicts import findings
from schemas.artifacts import Name


def publish(report: Path, name: Name, tables: Sequence[str] = ()) -> None:
    """Show every table of a report, what was measured and what the paper prints, and what became of the claims.

    Args:
        report: its directory.
        name: of the study; begins the keys of the artifacts.
        tables: those that the report is about; none for all.
    """
    figures = from_table(pq.read_table(report / "metrics.parquet"))
    for layout in (layout for layout in LAYOUTS if not tables or layout.table in tables):
        comparison = compare(layout, figures)
        shown = {"measured": comparison.measured, "paper": comparison.quoted}
        for source, grid in shown.items():
            if rows := grid.records():
                title = f"{layout.name}. {layout.title}: {'measured here' if source == 'measured' else 'the paper'}"
                create_table_artifact(rows, key=f"{name}-{layout.table}-{source}", description=title)
    found = [finding for finding in findings(figures) if not tables or finding.claim.first.table in tables]
    claims = [finding.record() for finding in found]
    create_table_artifact(claims, key=f"{name}-claims", description="Do the paper's claims hold?")
