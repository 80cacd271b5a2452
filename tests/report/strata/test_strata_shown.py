"""Strata on pages, in the terminal, as drawings and in strata.csv."""

import csv
import io
import json
import re
import shutil
from html import unescape

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from archnet.cli import app
from archnet.errors import RunError
from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.predictions import read_predictions
from archnet.evaluation.strata.run_strata import strata_entry
from archnet.files.csv_rows import csv_text
from archnet.files.strict_json import slugify
from archnet.report.html import notebook_tables
from archnet.report.html.comparison_page import write_comparison
from archnet.report.html.notebook_tables import comparison_html, run_html
from archnet.report.html.run_page import write_report
from archnet.report.run_files import read_run_files
from archnet.report.strata.strata_drawing import strata_drawing
from archnet.report.strata.strata_rows import strata_csv
from archnet.report.strata.strata_section import strata_drawings, strata_section, write_strata_csv
from archnet.report.strata.strata_tables import MAX_ROWS, short_strata_tables, strata_tables
from archnet.report.strata.strata_wording import strata_sentence
from archnet.report.wording import signed
from drawings import texts
from pages import Page, page_of
from synthetic_runs import edit, write_run


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """Two runs with sites, diameters and spacings."""
    folder = tmp_path_factory.mktemp("experiment")
    for name, skill in (("flat", 1.0), ("deep", 2.2)):
        run = write_run(folder / name, skill=skill)
        predictions, rng = read_predictions(run / "predictions.csv"), np.random.default_rng(0)
        names = np.unique(predictions.groups).tolist()
        rows = [
            (case, f"{rng.uniform(3, 20):.2f}" if label else "", "<b>A</b>" if k % 2 else "B", names.index(group) % 3)
            for k, (case, group, label) in enumerate(
                zip(predictions.cases.tolist(), predictions.groups.tolist(), predictions.y_true.tolist(), strict=True)
            )
        ]
        edit(run, "cases.csv", csv_text(["case", "diameter_mm", "site", "slice_spacing_mm"], rows))
        metrics = json.loads((run / "metrics.json").read_text())
        edit(run, "metrics.json", json.dumps(metrics | strata_entry(run, predictions, metrics)))
    return folder


@pytest.fixture
def out(experiment, tmp_path):
    return shutil.copytree(experiment, tmp_path / "experiment")


@pytest.fixture(scope="module")
def strata(experiment):
    return compare([experiment]).strata


NAMES = ("deep", "flat")


def printed(renderable):
    console = Console(width=80, file=io.StringIO(), color_system=None)
    console.print(renderable)
    return console.file.getvalue()


def test_a_table_has_each_network_in_each_stratum(strata):
    text = printed(strata_tables(strata, NAMES, ["diameter_mm"]))
    column = next(one for one in strata["columns"] if one["name"] == "diameter_mm")
    assert max(map(len, text.splitlines())) <= 80
    for stratum in column["strata"]:
        mark = ", few" if stratum["is_small"] else ""
        entry = stratum["paired"][0]["differences"]["recall"]
        numbers = [f"{one['recall']:.3f}" for one in stratum["networks"]]
        assert re.search(rf"{stratum['name']} mm{mark} +deep +{numbers[0]} *\n", text)
        assert re.search(rf"{stratum['positives']} in {stratum['groups']} groups", text)
        sign = "\\+" if entry["difference"] >= 0 else "−"
        assert re.search(rf"flat +{numbers[1]} +{sign}{abs(entry['difference']):.3f}", text)
    assert "By nodule diameter, 95% intervals below" in text
    assert "p (Holm)" in text


def test_a_run_has_a_table_without_differences(experiment):
    metrics = json.loads((experiment / "flat/metrics.json").read_text())
    text = printed(strata_tables(metrics["strata"], ["flat"], ["site"]))
    assert "difference" not in text
    assert re.search(r"B +0\.\d{3}", text)


def test_experiment_and_network_have_separate_lines_in_the_rows_of_a_table(strata):
    columns = [one for one in strata["columns"] if one["name"] == "site"]
    text = printed(strata_tables({**strata, "columns": columns}, ["edit/deep", "edit-2/flat"], ["site"]))
    assert re.search(r"edit/ +\d\.\d{3} *\n.* deep +\d\.\d{3} to", text)
    assert re.search(r"edit-2/ +\d\.\d{3} .*\n.* flat +\d\.\d{3} to", text)


def test_only_short_tables_are_printed_unless_requested(strata):
    columns = [one for one in strata["columns"] if one["name"] == "site"]
    assert short_strata_tables({**strata, "columns": columns}, NAMES) is not None
    assert sum(len(one["strata"]) * 2 for one in columns * 4) > MAX_ROWS
    assert short_strata_tables({**strata, "columns": columns * 4}, NAMES) is not None  # the same name counts once
    many = {**columns[0], "strata": columns[0]["strata"] * 4}
    assert short_strata_tables({**strata, "columns": [many]}, NAMES) is None
    assert short_strata_tables({}, NAMES) is None
    for number, is_printed in ((6, True), (7, False)):  # rows of two networks: 12 or 14
        longer = {**columns[0], "strata": (columns[0]["strata"] * 4)[:number]}
        assert (short_strata_tables({**strata, "columns": [longer]}, NAMES) is not None) is is_printed


def test_figures_of_attributes_with_similar_names_have_different_files():
    columns = [{"name": name, "drawing": name} for name in ("site", "a b", "a-b")]
    drawings = strata_drawings({"columns": columns[:2], "geometry": columns[2:]})
    assert list(drawings.values()) == ["site", "a b", "a-b"]
    assert list(drawings) == [f"strata_{slugify(name)}" for name in ("site", "a b")] + [f"strata_{slugify('a b')}_2"]
    assert strata_drawings(None) == {}


@pytest.mark.slow
def test_the_command_prints_the_attributes_that_are_asked_for(experiment):
    result = CliRunner().invoke(app, ["compare", str(experiment), "--by", "slice_spacing_mm"])
    assert result.exit_code == 0
    assert "By slice spacing, 95% intervals below" in result.stdout
    assert "By site" not in result.stdout
    default = CliRunner().invoke(app, ["compare", str(experiment)]).stdout
    assert "By nodule diameter" in default
    assert "By site" in default
    assert "By slice spacing" not in default
    wrong = CliRunner().invoke(app, ["compare", str(experiment), "--by", "scanner"])
    assert isinstance(wrong.exception, RunError)
    assert str(wrong.exception).startswith('--by scanner: the compared cases have no strata of "scanner".')
    document = json.loads(CliRunner().invoke(app, ["compare", str(experiment), "--json"]).stdout)
    assert [one["name"] for one in document["strata"]["columns"]] == ["diameter_mm", "site", "slice_spacing_mm"]


def test_the_csv_has_a_line_for_each_number(strata):
    lines = list(csv.DictReader(io.StringIO(strata_csv(strata, NAMES))))
    assert len(lines) == sum(len(column["strata"]) for column in strata["columns"]) * 2 * 2
    stratum = strata["columns"][0]["strata"][0]
    entry = stratum["paired"][0]["differences"]["auc"]
    line = next(one for one in lines if one["network"] == "flat" and one["metric"] == "auc")
    assert {key: line[key] for key in ("attribute", "stratum", "reference")} == {
        "attribute": "diameter_mm",
        "stratum": stratum["name"],
        "reference": "deep",
    }
    assert float(line["value"]) == stratum["networks"][1]["auc"]
    assert float(line["difference"]) == entry["difference"]
    assert [float(line[key]) for key in ("p", "p_holm")] == [entry["p"], entry["p_holm"]]
    reference = next(one for one in lines if one["network"] == "deep")
    assert [reference[key] for key in ("reference", "difference", "p_holm")] == ["", "", ""]


def test_a_drawing_has_the_numbers_in_its_alternative_text(strata):
    column = strata["columns"][0]
    drawing = strata_drawing(column, NAMES, "recall")
    for stratum in column["strata"]:
        low, high = stratum["networks"][0]["intervals"]["recall"]
        assert (
            f"{stratum['name']} mm: deep {stratum['networks'][0]['recall']:.3f} ({low:.3f} to {high:.3f})"
            in drawing.alt
        )
    assert drawing.narrow.width < 400
    assert drawing.narrow.height > drawing.height
    assert drawing.elements.count("<circle") == 2 * len(column["strata"]) + len(column["strata"]) + 2  # and the legend
    single = strata_drawing(
        {**column, "strata": [{**one, "networks": one["networks"][:1], "paired": []} for one in column["strata"]]},
        ["deep"],
        "recall",
    )
    assert single.narrow is None
    assert single.elements.count("<circle") == len(column["strata"])
    assert 'stroke="var(--test)"' in single.elements
    only = {**column, "strata": [{**one, "networks": one["networks"][:1], "paired": []} for one in column["strata"]]}
    section = strata_section({"set": "validation", "measure": "recall", "columns": [only]}, ["deep"])
    assert 'stroke="var(--validation)"' in section["columns"][0]["drawing"].elements
    assert "var(--s0)" not in single.elements


def test_equal_results_of_strata_are_drawn_on_a_scale_of_a_tenth_with_zero_inside(strata):
    column = json.loads(json.dumps(strata["columns"][0]))
    for stratum in column["strata"]:
        stratum["paired"][0]["differences"]["recall"] |= {"difference": 0.0, "interval": None, "p_holm": None}
    narrow = strata_drawing(column, NAMES, "recall").narrow
    ticks = [text for text in texts(narrow) if text.startswith("−") or text == "0.00"]
    assert ticks == ["−0.02", "0.00"]


def test_the_p_values_of_strata_stand_beside_their_differences(strata):
    column = json.loads(json.dumps(strata["columns"][0]))
    for stratum, p_holm in zip(column["strata"][:2], (0.042, 0.0002), strict=True):
        stratum["paired"][0]["differences"]["recall"] |= {"p_holm": p_holm}
    shown = texts(strata_drawing(column, NAMES, "recall"))
    assert [text for text in shown if text in ("p = 0.042", "p <0.001")] == ["p = 0.042", "p <0.001"]


def test_the_table_of_strata_is_a_file_only_where_there_are_strata(strata, tmp_path):
    path = tmp_path / "strata.csv"
    write_strata_csv(tmp_path, strata, NAMES)
    assert path.read_text(encoding="utf-8") == strata_csv(strata, NAMES)
    write_strata_csv(tmp_path, {}, NAMES)
    assert not path.exists()
    write_strata_csv(tmp_path, {}, NAMES)


def test_a_notebook_shows_the_strata_of_a_comparison_with_their_differences(out):
    comparison = compare([out])
    html = comparison_html(comparison)
    (column,) = [one for one in comparison.strata["columns"] if one["name"] == "diameter_mm"]
    stratum = column["strata"][0]
    first, second = (f"{one['recall']:.3f}" for one in stratum["networks"])
    entry = stratum["paired"][0]["differences"]["recall"]
    size = f"{stratum['positives']} positives in {stratum['groups']} groups"
    row = html[html.index(f">{stratum['name']} mm<") :]
    row = re.sub("<[^>]+>", "|", row[: row.index("</tr>")])
    for text in (size, first, second, signed(entry["difference"]), f"{entry['p_holm']:.3f}"):
        assert text in row
    assert html.count("<strong>Recall by ") == 2  # of the attributes, not of the geometry
    assert strata_sentence(column) in unescape(html)
    assert "&lt;b&gt;A&lt;/b&gt;" in html


def test_a_notebook_names_the_metric_of_more_than_two_classes_in_words(tmp_path):
    run = write_run(tmp_path / "a", classes=("a", "b", "c"))
    predictions = read_predictions(run / "predictions.csv")
    sites = [(case, "A" if k % 2 else "B") for k, case in enumerate(predictions.cases.tolist())]
    edit(run, "cases.csv", csv_text(["case", "site"], sites))
    metrics = json.loads((run / "metrics.json").read_text())
    edit(run, "metrics.json", json.dumps(metrics | strata_entry(run, predictions, metrics)))
    html = run_html(read_run_files(run))
    assert "<strong>Macro recall by site" in html
    assert ">macro recall<" in html
    assert "macro_recall" not in html


def test_a_notebook_names_the_attributes_that_do_not_fit(out, monkeypatch):
    monkeypatch.setattr(notebook_tables, "MAX_STRATA", 4)
    html = comparison_html(compare([out]))
    assert html.count("<strong>Recall by ") == 1
    assert "Results by 1 other attribute are in the report and in strata.csv." in html


@pytest.mark.slow
def test_the_page_of_a_comparison_shows_all_attributes(out):
    write_comparison(out, [out])
    html = (out / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    assert "Results by subgroup" not in page.text
    for words in ("Where it helps", "By nodule diameter", "By site", "By the geometry of the scan", "By slice spacing"):
        assert words in page.text
    assert "<b>A</b>" not in html
    assert "&lt;b&gt;A&lt;/b&gt;" in html
    assert (out / "strata.csv").read_text() == strata_csv(compare([out]).strata, NAMES)


@pytest.mark.slow
def test_the_page_of_a_run_shows_its_strata_and_writes_figures_and_a_table(out):
    run = out / "flat"
    write_report(read_run_files(run))
    assert "Results by subgroup By nodule diameter" in page_of(run).text
    assert "Where it helps" not in page_of(run).text
    names = {path.name for path in (run / "figures").glob("strata_*")}
    assert names == {"strata_diameter_mm.svg", "strata_site.svg", "strata_slice_spacing_mm.svg"}
    assert len((run / "strata.csv").read_text().splitlines()) > 10
    metrics = json.loads((run / "metrics.json").read_text())
    del metrics["strata"]
    edit(run, "metrics.json", json.dumps(metrics))
    write_report(read_run_files(run))
    assert "Results by subgroup" not in page_of(run).text
    assert not (run / "strata.csv").exists()
