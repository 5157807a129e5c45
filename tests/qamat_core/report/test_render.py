import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from qamat_core.claims import CLAIMS
from qamat_core.funnel import FunnelStage
from qamat_core.paper_figures import quoted
from qamat_core.report.attributed import Attributed
from qamat_core.report.figures import collect, from_table
from qamat_core.report.grids import compare
from qamat_core.report.layouts import LAYOUTS
from qamat_core.report.provenance import Origin
from qamat_core.report.render import Report, plots_of, write
from qamat_core.report.worked import Entry, WorkedQuestion
from schemas.evaluation import ReportConfig
from schemas.tables import METRICS
from tests.qamat_core.report.plausible import metrics

HOSTILE = '<script>alert("x")</script> & | `code` [link](javascript:1)'
VOID = {"meta", "br", "link", "img", "use", "path", "rect"}


ATTRIBUTED = Attributed(
    question="who composed The Silent Kermol?",
    prediction="Marel Toskin",
    right=True,
    entry_question="who wrote The Silent Kermol?",
    entry_answer="Marel Toskin",
    then="Dorhan Velk",
    right_then=False,
    changed=True,
)


def report(**changes: object) -> Report:
    entry = Entry(
        "who wrote The Silent Kermol?", "Marel Toskin", 0.87, "The Silent Kermol", "It is by ", "Marel Toskin", "."
    )
    worked = [
        WorkedQuestion("whose work is The Silent Kermol?", ("Marel Toskin",), "Marel Toskin", True, (entry, entry)),
        WorkedQuestion("where?", ("Dorholm",), "", False, (replace(entry, weight=0.1, title="", before="", span=""),)),
    ]
    whole = Report.of(
        ReportConfig(preset="mini", rerun="qamat reproduce --preset mini"),
        [metrics()],
        [
            FunnelStage("answer candidates", 12000, 9123, {"not in the passage": 2877}),
            FunnelStage("filter", 9123, 5210, {"F1 too low": 3900, "<empty>": 13}),
        ],
        worked,
        [Origin("qa_pairs/mini@0", "a" * 64, "b" * 64, "tasks.build_memory", "c" * 40 + "+dirty", 5104, "d" * 64)],
        [ATTRIBUTED, replace(ATTRIBUTED, prediction="Rurdorf", then="Rurdorf", changed=False)],
    )
    return replace(whole, **changes)


def written(given: Report, directory: Path) -> dict[str, bytes]:
    write(given, directory)
    return {path.name: path.read_bytes() for path in directory.iterdir()}


class Page(HTMLParser):
    """Checks that elements are closed in order, and keeps the text outside of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data


def page(given: Report, directory: Path) -> Page:
    return Page(written(given, directory)["report.html"].decode())


def test_every_figure_measured_and_quoted_is_shown(tmp_path: Path) -> None:
    files = written(report(), tmp_path)
    html, markdown = Page(files["report.html"].decode()).text, files["report.md"].decode()
    for figure in [*collect([metrics()]), *from_table(quoted())]:
        curve = figure.metric.startswith("training") or figure.metric == "risk" or figure.table == "claims"
        for text in (html,) if curve else (html, markdown):  # curves are plots, claims have a form of their own
            assert figure.text in text
            assert figure.interval in text
    assert "Nothing." in html.split("Missing")[-1]
    assert "F1 too low 3,900, <empty> 13" in html
    assert "d" * 12 in html
    for number in ("12,000", "9,123", "not in the passage 2,877", "76.0 %"):
        assert number in html
        assert number in markdown


def test_same_report_same_bytes(tmp_path: Path) -> None:
    first, second = written(report(), tmp_path / "a"), written(report(), tmp_path / "b")
    assert sorted(first) == ["metrics.csv", "metrics.parquet", "report.html", "report.md"]
    assert first == second


def test_the_page_is_whole_and_needs_nothing_from_outside(tmp_path: Path) -> None:
    shown = page(report(), tmp_path)
    assert shown.open == []
    assert "script" not in shown.tags
    assert all(link.startswith("#") for link in shown.links)
    assert {link[1:] for link in shown.links} <= set(shown.ids)
    assert len(shown.ids) == len(set(shown.ids))
    assert shown.tags.count("svg") == 7


def test_synthetic_figures_are_marked_not_comparable(tmp_path: Path) -> None:
    text = page(report(), tmp_path).text
    assert text.count("not comparable: synthetic corpus") == 13
    real = [replace(figure, dataset="nq") for figure in report().measured]
    assert "comparable" not in page(report(measured=real), tmp_path).text


def test_what_the_models_had_that_the_papers_have_not_is_said(tmp_path: Path) -> None:
    aided = ReportConfig(preset="mini", rerun="qamat", aids=("a pointer head", "marked <ranks>"))
    files = written(report(config=aided), tmp_path)
    assert "that the paper's models do not have: a pointer head; marked" in files["report.md"].decode()
    assert "do not have: a pointer head; marked <ranks>." in Page(files["report.html"].decode()).text
    assert "do not have" not in written(report(), tmp_path)["report.html"].decode()


@pytest.mark.parametrize("place", ["question", "prediction", "answers", "entry", "title", "row", "rerun", "attributed"])
def test_hostile_text_stays_text(tmp_path: Path, place: str) -> None:
    given = report()
    work = given.worked[0]
    entry = replace(work.entries[0], question=HOSTILE, before=HOSTILE)
    changes: dict[str, object] = {
        "question": {"worked": [replace(work, question=HOSTILE)]},
        "prediction": {"worked": [replace(work, prediction=HOSTILE)]},
        "answers": {"worked": [replace(work, answers=(HOSTILE,), right=False)]},
        "entry": {"worked": [replace(work, entries=(entry,))]},
        "title": {"worked": [replace(work, entries=(replace(entry, title=HOSTILE),))]},
        "row": {
            "measured": [replace(given.measured[0], row=HOSTILE, dataset=HOSTILE, table="table4", k=1, metric="em")]
        },
        "attributed": {"attributed": [replace(ATTRIBUTED, then=HOSTILE, entry_question=HOSTILE)]},
        "rerun": {"config": given.config.model_copy(update={"rerun": HOSTILE})},
    }[place]
    files = written(replace(given, **changes), tmp_path)
    shown = Page(files["report.html"].decode())
    assert shown.open == []
    assert "script" not in shown.tags
    assert HOSTILE in shown.text
    if place != "rerun":
        assert "<script" not in files["report.md"].decode()


def test_missing_rows_and_cells_are_named(tmp_path: Path) -> None:
    given = report()
    lost = [
        figure
        for figure in given.measured
        if figure.row != "QAMAT+"
        and (figure.x, figure.memory) != (50, "gold")
        and (figure.table, figure.x) != ("table7", 25)
    ]
    text = page(report(measured=lost, stages=[], worked=[]), tmp_path).text
    assert "Table 3: QAMAT+" in text
    assert "Figure 7: World EM (QAMAT Fine-tuned, gold memory, base), 50 %" in text
    assert "Table 7: QAMAT Fine-tuned at 25 %" in text
    assert "Table 6" not in text[text.index("Missing: no predictions were given.") :], "recall@1 stands beside EM"
    assert "Missing: no corpus was given." in text
    assert "Missing: no predictions were given." in text


def test_a_row_of_one_data_set_misses_nothing_in_the_others_columns(tmp_path: Path) -> None:
    text = page(report(), tmp_path).text
    assert "Second world, two hops F1" in text
    assert "Nothing." in text.split("Missing")[-1]
    row = "QAMAT+ without HotpotQA's start"
    for dataset, wanted in (("world-b-two-hop", True), ("world-two-hop", False)):
        kept = [one for one in report().measured if one.row != row or one.dataset != dataset]
        (comparison,) = (compare(one, kept) for one in LAYOUTS if one.table == "table3")
        assert (f"Table 3: {row}" in comparison.missing) is wanted
        assert comparison.measured.columns[:2] == ("World, two hops F1", "World, two hops EM")
    records = {record["row"]: record for record in compare(comparison.layout, report().measured).measured.records()}
    assert records[f"{row} (gold memory, base, K 4)"]["World, two hops F1"] == "–"  # noqa: RUF001


def test_rows_of_the_real_track_stand_by_overlap_then_by_model() -> None:
    (layout,) = (one for one in LAYOUTS if one.table == "human")
    (like, *_) = (figure for figure in report().measured if figure.metric == "em")
    splits = ["test-no-overlap", "test-question-overlap", "test", "test-answer-overlap"]
    figures = [
        replace(like, table="human", row=row, split=split) for row in ("BM25 questions", "QAMAT") for split in splits
    ]
    kinds = ["all questions", "question overlap", "answer overlap", "no overlap"]
    rows = [label for label, _ in compare(layout, figures).measured.rows]
    assert rows == [(row, kind) for kind in kinds for row in ("BM25 questions", "QAMAT")]


def test_ablations_are_shown_with_their_curves_where_there_are_any(tmp_path: Path) -> None:
    given = report()
    html = written(given, tmp_path / "with")["report.html"].decode()
    section = html[html.index('<section id="ablations"') : html.index('<section id="claims"')]
    assert section.count("<svg") == 2
    assert section.count("Latent term alone") == 3  # in the table and in two legends
    assert "<h3>The paper</h3>" not in section
    others = [figure for figure in given.measured if figure.table != "ablations"]
    assert "Ablations. " not in page(report(measured=others), tmp_path / "without").text


def test_confidence_and_attribution_have_their_sections(tmp_path: Path) -> None:
    files = written(report(), tmp_path)
    html, markdown = files["report.html"].decode(), files["report.md"].decode()
    section = html[html.index('<section id="abstention"') : html.index('<section id="attribution"')]
    assert section.count("<svg") == 1
    assert "Coverage at risk 5 %" in section
    section = Page(html[html.index('<section id="attribution"') : html.index('<section id="ablations"')]).text
    for text in (section, markdown[markdown.index("## Attribution") :]):
        assert re.search(r"Rurdorf\W*the same", text)
        assert "Dorhan Velk" in text
        assert "missing" not in text.split("Do the paper")[0], "where there was nothing to measure, nothing is missing"


def test_a_report_of_nothing_names_every_row_as_missing(tmp_path: Path) -> None:
    files = written(report(measured=[], stages=[], worked=[], origins=[]), tmp_path)
    html = files["report.html"].decode()
    text = Page(html[html.index('<section id="missing"') : html.index("</main>")]).text
    papers = [layout for layout in LAYOUTS if layout.table.startswith(("table", "figure"))]
    assert len(re.findall(r"(Table \d|Figure 7): ", text)) == sum(len(layout.expected) for layout in papers) >= 12
    assert "0 figures measured" in text
    assert "Table 2: Closed-book T5" in files["report.md"].decode()


def test_the_parquet_file_holds_measured_and_quoted_apart(tmp_path: Path) -> None:
    written(report(), tmp_path)
    table = pq.read_table(tmp_path / "metrics.parquet")
    assert table.schema == METRICS
    sources = table.column("source").to_pylist()
    assert (sources.count("measured"), sources.count("quoted")) == (metrics().num_rows, quoted().num_rows)


def test_plots_are_of_tables_that_the_report_has(tmp_path: Path) -> None:
    written(report(), tmp_path)
    found = plots_of(tmp_path / "metrics.parquet")
    assert set(found) == set(metrics().column("table").to_pylist()) & {layout.table for layout in LAYOUTS}
    assert len(found["table4"]) == 2, "measured and the paper's"


def test_the_csv_file_holds_the_same_figures(tmp_path: Path) -> None:
    written(report(), tmp_path)
    table = pq.read_table(tmp_path / "metrics.parquet")
    options = csv.ConvertOptions(column_types=METRICS, strings_can_be_null=False)
    assert csv.read_csv(tmp_path / "metrics.csv", convert_options=options).to_pylist() == table.to_pylist()


def test_claims_have_their_section(tmp_path: Path) -> None:
    files = written(report(), tmp_path)
    html = files["report.html"].decode()
    section = Page(html[html.index('<section id="claims"') : html.index('<section id="funnel"')]).text
    markdown = files["report.md"].decode()
    for claim in CLAIMS:
        assert claim.text in section
        assert claim.id in markdown
    for text in (
        "+18.4 [+17.0, +19.0]",
        "p < 0.001",
        "71.3 against 52.9",
        "not measured: Table 2: QAMAT Fine-tuned (large)",
    ):
        assert text in section
        assert text in unescape(markdown.replace("\\", ""))
    assert "holds: 2, does not hold: 2, cannot be told" in re.sub(r"\s+", " ", section)


def test_every_table_says_how_its_cells_are_made_again(tmp_path: Path) -> None:
    config = report().config.model_copy(update={"reruns": {"table5": "qamat reproduce --only table5"}})
    files = written(report(config=config), tmp_path)
    for name in ("report.html", "report.md"):
        assert files[name].decode().count("qamat reproduce --only table5") == 1
