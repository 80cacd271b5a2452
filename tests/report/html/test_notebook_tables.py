"""The tables that a notebook shows: what the terminal prints, as HTML that no name can break and no theme hides."""

import re
from html.parser import HTMLParser

import pytest

import archnet
from archnet.report.html.notebook_network import arch_html
from archnet.report.html.notebook_tables import comparison_html, run_html
from archnet.report.run_files import read_run
from archnet.report.wording import decimals
from archnet.spec.metrics import METRICS
from command_line import ROOT, invoked
from synthetic_runs import write_run

HOSTILE = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """The cells of all tables, row by row, and the paragraphs; fails on a tag that is not closed."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.paragraphs, self.open = [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "p":
            self.paragraphs.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data
        elif "p" in self.open:
            self.paragraphs[-1] += data


@pytest.mark.parametrize("name", ["archsm", "arch3dsm", "res3d", "ct3d"])
def test_an_architecture_is_the_table_of_archnet_show(name):
    path = ROOT / f"archs/{name}.json"
    page = Reader(archnet.load_arch(path)._repr_html_())
    printed = invoked("show", path).stdout
    for row in page.rows:
        line = next(line for line in printed.splitlines() if line.split()[:1] == row[0].split()[:1])
        assert [word for cell in row for word in cell.split()][:3] == line.split()[:3]
    assert page.rows[-1][0] == "total"
    assert f" {page.rows[-1][3]} " in printed
    assert " ".join(page.paragraphs[0].split()) in " ".join(printed.split())


def test_an_architecture_that_does_not_fit_its_default_input_shows_its_layers():
    layers = [{"type": "P", "pool": "max", "kernel_size": [2, 2, 20], "padding": "valid"}, {"type": "T"}]
    page = Reader(arch_html(archnet.load_arch({"name": "tall", "layers": layers})))
    assert page.rows == [["place", "layer"], ["0", "P max 2x2x20 valid"], ["1", "T 2 classes linear"]]


@pytest.fixture(scope="module", params=[2, 3], ids=["two classes", "three classes"])
def runs(request, tmp_path_factory):
    folder, classes = tmp_path_factory.mktemp("runs"), (HOSTILE, "b & c", "d")[: request.param]
    return [
        write_run(folder / name, classes=classes, macs=macs) for name, macs in (("<b>cheap", 10_000), ("dear", 50_000))
    ]


def test_a_run_shows_its_sentence_its_confusion_matrix_and_its_metrics(runs):
    run = archnet.load_run(runs[0])
    html = run._repr_html_()
    assert html == run_html(read_run(runs[0]))
    page, test = Reader(html), run.metrics["test"]
    assert page.paragraphs[0].startswith("<b>cheap ")
    assert html.startswith("<p><strong>&lt;b&gt;cheap ")
    matrix = page.rows[1 : 1 + len(run.metrics["classes"])]
    assert [[int(cell) for cell in row[1:-1]] for row in matrix] == test["confusion_matrix"]
    assert [row[0] for row in matrix] == run.metrics["classes"]
    values = {row[0]: row[1:] for row in page.rows}
    assert values["accuracy"][0] == f"{test['accuracy']:.3f}"
    assert values["parameters"][0] == "99,948"
    assert page.paragraphs[-1] == f"Report: {runs[0] / 'report.html'}"


def test_a_comparison_shows_its_sentence_both_runs_and_the_differences(runs):
    comparison = archnet.compare(runs)
    html = comparison._repr_html_()
    assert html == comparison_html(comparison)
    page = Reader(html)
    assert page.paragraphs[0] == str(comparison)
    assert html.startswith("<p><strong>")
    assert page.rows[0] == ["", "<b>cheap", "dear"]
    label = METRICS["recall"].summary_label(len(comparison.classes))
    recall = next(row for row in page.rows if row[0] == label)
    expected = [decimals(row.value("recall")) for row in comparison.rows]
    assert [cell.split()[0] for cell in recall[1:]] == expected
    header = next(row for row in page.rows if row[-1] == "p (Holm)")
    assert header == ["", "<b>cheap", "dear", "difference (95%)", "p (Holm)"]
    assert all(len(row) in (3, 5) for row in page.rows)


def test_no_table_has_a_colour_or_a_script(runs):
    for html in (archnet.load_run(runs[0])._repr_html_(), archnet.compare(runs)._repr_html_()):
        assert "<script" not in html
        assert "<b>" not in html
        assert not re.search(r"colou?r|background|class=", html.replace("&lt;script", ""))
