"""The report's tables and claims in the Prefect UI, as table artifacts."""

from pathlib import Path

import pyarrow.parquet as pq
from prefect.artifacts import create_table_artifact

from qamat_core.report.figures import from_table
from qamat_core.report.grids import compare
from qamat_core.report.layouts import LAYOUTS
from qamat_core.report.verdicts import findings
from schemas.artifacts import Name


def publish(report: Path, name: Name) -> None:
    """Show the tables in which a report measured something, the paper's beside them, and what became of their claims.

    Args:
        report: its directory.
        name: of the study; begins the keys of the artifacts.
    """
    figures = from_table(pq.read_table(report / "metrics.parquet"))
    tables = {figure.table for figure in figures if figure.source == "measured"}
    for layout in (layout for layout in LAYOUTS if layout.table in tables):
        comparison = compare(layout, figures)
        shown = {"measured": comparison.measured, "paper": comparison.quoted}
        for source, grid in shown.items():
            if rows := grid.records():
                title = f"{layout.name}. {layout.title}: {'measured here' if source == 'measured' else 'the paper'}"
                create_table_artifact(rows, key=f"{name}-{layout.table}-{source}", description=title)
    claims = [finding.record() for finding in findings(figures) if finding.claim.first.table in tables]
    if claims:
        create_table_artifact(claims, key=f"{name}-claims", description="Do the paper's claims hold?")
