"""The text of tables in the terminal: every row, its unit and its column."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from archnet.evaluation.froc.curve import compute_froc
from archnet.evaluation.froc.hits import Findings, Marks, ReferenceStandard
from archnet.report.data_check_table import data_check_table
from archnet.report.data_check_wording import attribute_text, check_sentence, summary_rows
from archnet.report.froc_table import froc_summary
from archnet.report.html.notebook_tables import data_check_html
from archnet.report.network_table import MAX_ROWS, network_table
from archnet.report.twin_table import twin_lines, twin_table


def printed(renderable, width=160):
    console = Console(width=width, record=True, color_system=None, file=io.StringIO())
    console.print(renderable)
    return [line.rstrip() for line in console.export_text().splitlines()]


def lines_of(renderable, width=160):
    """The printed lines that are not blank."""
    return [line for line in printed(renderable, width) if line]


def styles_of(renderable, width=160):
    """The style of each printed text that has one."""
    console = Console(width=width, file=io.StringIO())
    segments = [one for line in console.render_lines(renderable) for one in line if one.text.strip()]
    return {one.text.strip(): str(one.style) for one in segments if one.style and str(one.style) != "none"}


ERROR = {
    "severity": "error",
    "check": "copies",
    "message": "2 cases are copies.",
    "cases": ["3", "8"],
    "remedy": "Remove one.",
}
NOTE = {"severity": "note", "check": "left_out", "message": "1 file is left out.", "cases": [], "remedy": ""}
SUMMARY = {
    "classes": {"other": 1500, "nodule": 500},
    "positive": "nodule",
    "cases": 2000,
    "groups": 40,
    "scans": {"count": 40, "spacing_mm": [[0.5, 0.5, 1], [0.5, 0.7, 2.5]], "size_mm": [[300, 300, 250], [360, 360, 250]]},
    "shape": [64, 64, 10],
    "limits": [-1000.0, 400.0],
    "values": {
        "classes": [
            {"class_name": "other", "percentiles": [-1024, -1000, -700.5, 300, 3071], "below": 0.25, "above": 0.125},
        ]
    },
    "soft_labels": {"soft": 3, "mean_largest_share": 0.75, "mean_entropy_bits": 0.5},
    "attributes": [
        {"name": "age", "known": 2000, "cases": 2000, "known_positives": 500, "positives": 500, "range": [20, 80]},
    ],
    "split": {"by": "group", "test": 0.2},
    "split_reason": "no sets",
    "in_use": 1990,
    "expected_recall": {"text": "0.5 to 0.7"},
    "sets": {"train": {"cases": 1400, "groups": 30, "classes": {"other": 1050, "nodule": 350}}},
}  # fmt: skip
CHECK = {
    "data": "luna16:/data",
    "is_quick": False,
    "is_usable": False,
    "problem": None,
    "findings": [ERROR | {"is_allowed": False}, NOTE | {"is_allowed": False}],
    "summary": SUMMARY,
}


def test_a_data_check_prints_the_contents_the_sets_the_findings_and_the_conclusion():
    assert lines_of(data_check_table(CHECK)) == [
        "luna16:/data",
        'cases              2,000: 1,500 "other", 500 "nodule"',
        'positive class     "nodule"',
        "groups             40 (scans or patients)",
        "scans              40",
        "voxel spacing      0.5 × 0.5 to 0.7 × 1 to 2.5 mm (x, y, z)",
        "size of a scan     300 to 360 × 300 to 360 × 250 mm (x, y, z)",
        "shape of a case    64 × 64 × 10 voxels",
        "scaled to 0 to 1   −1000 to 400",
        'values of "other"  −1024 to 3071 (98% from −1000 to 300), median −700.5; 25.0% below and 12.5% above the range',
        "soft labels        3 of 2,000 cases, mean largest share 0.750, mean entropy 0.500 bits",
        "age                20 to 80, known for 2,000 of 2,000 cases",
        "split              by group, test 0.2 (chosen automatically: no sets)",
        "cases in use       1,990 of 2,000",
        "expected recall    0.5 to 0.7",
        "Sets",
        " set        cases   groups   other   nodule",
        " ──────────────────────────────────────────",
        " training   1,400       30   1,050      350",
        "error  copies",
        "  2 cases are copies.",
        "  Affected: 3, 8",
        "  Remove one.",
        "note  left_out",
        "  1 file is left out.",
        "These data would stop a run: 1 error, 1 note. Fix the errors, or use the data anyway with --allow copies.",
    ]


def test_the_styles_of_a_data_check_tell_errors_from_notes():
    styles = styles_of(data_check_table(CHECK))
    expected = {
        "positive class": "dim",
        "training": "bold",
        "error": "bold red",
        "Affected: 3, 8": "dim",
        "Remove one.": "italic",
    }
    assert {text: styles[text] for text in expected} == expected
    assert styles[check_sentence(CHECK)] == "bold red"
    usable = check_sentence(CHECK | {"is_usable": True})
    assert styles_of(data_check_table(CHECK | {"is_usable": True}))[usable] == "bold"


def test_what_a_data_check_does_not_know_is_left_out():
    small = SUMMARY | {"scans": None, "shape": [8, 8], "values": None, "expected_recall": None, "split_reason": None}
    assert lines_of(data_check_table(CHECK | {"summary": small, "findings": [], "is_usable": True})) == [
        "luna16:/data",
        'cases             2,000: 1,500 "other", 500 "nodule"',
        'positive class    "nodule"',
        "groups            40 (scans or patients)",
        "shape of a case   8 × 8",
        "scaled to 0 to 1  −1000 to 400",
        "soft labels       3 of 2,000 cases, mean largest share 0.750, mean entropy 0.500 bits",
        "age               20 to 80, known for 2,000 of 2,000 cases",
        "split             by group, test 0.2",
        "cases in use      1,990 of 2,000",
        "Sets",
        " set        cases   groups   other   nodule",
        " ──────────────────────────────────────────",
        " training   1,400       30   1,050      350",
        "A run can use these data: no findings.",
    ]
    undivided = {name: value for name, value in small.items() if name not in ("split", "sets")}
    rows = dict(summary_rows(CHECK | {"summary": undivided, "is_quick": True}))
    assert rows["values"] == "not checked (--quick)"
    assert not {"split", "cases in use"} & set(rows)
    impossible = {"summary": undivided, "problem": "split: 2 groups are too few."}
    *contents, conclusion = lines_of(data_check_table(CHECK | impossible | {"findings": []}))
    assert "Sets" not in contents
    assert conclusion == "No run is possible: split: 2 groups are too few. Findings: no findings."


def test_a_notebook_shows_the_conclusion_of_a_data_check_before_its_tables():
    html = data_check_html(CHECK)
    captions = re.findall("<caption[^>]*><strong>(.*?)</strong>", html)
    assert html.startswith(f"<p><strong>{check_sentence(CHECK)}</strong></p><table>")
    assert captions == ["luna16:/data", "Sets", "Findings"]
    assert re.findall("<td[^>]*>(.*?)</td>", html)[-8:] == [
        "error", "copies", "2 cases are copies. Remove one.", "3, 8", "note", "left_out", "1 file is left out.", "",
    ]  # fmt: skip
    undivided = {name: value for name, value in SUMMARY.items() if name not in ("split", "sets")}
    assert data_check_html(CHECK | {"summary": undivided, "findings": []}).count("<caption") == 1


def test_an_allowed_error_needs_no_flag():
    findings = [ERROR | {"is_allowed": True}, ERROR | {"check": "labels", "is_allowed": False}]
    sentence = check_sentence(CHECK | {"findings": findings + findings[1:]})
    counts = "2 errors, 1 allowed error"
    assert sentence == (
        f"These data would stop a run: {counts}. Fix the errors, or use the data anyway with --allow labels."
    )


@pytest.mark.parametrize(("entry", "text"), [
    ({"values": {"a": 1200, "b": 3}, "num_values": 6}, "a: 1,200, b: 3, 4 other values; known for 5 of 9 cases (1 of 2 positives)"),
    ({"values": {"a": 5}, "num_values": 1}, "a: 5; known for 5 of 9 cases (1 of 2 positives)"),
    ({"values": {}, "num_values": 0}, "unknown"),
])  # fmt: skip
def test_the_values_of_an_attribute_are_counted(entry, text):
    assert attribute_text({"known": 5, "cases": 9, "known_positives": 1, "positives": 2, **entry}) == text


LAYER = {
    "type": "C",
    "summary": "16 x 3x3, relu",
    "output_shape": [6, 6, 16],
    "parameters": 1160,
    "macs": 5760,
    "activation_bytes": 2304,
}
NETWORK = {
    "input_shape": [8, 8, 1],
    "layers": [LAYER | {"place": "$.layers[0]"}, LAYER | {"place": "$.layers[1].layers[0] #2"}],
    "parameters": 2320,
    "macs": 11_520,
    "activation_bytes": 4608,
    "receptive_field": [5, 5],
    "features_depend_on_whole_input": False,
    "memory_bytes": None,
    "batch_size": 64,
    "parts": 1,
    "micro_batch": 64,
    "training_bytes": 3_000_000,
}
TRAINING = "Training takes 3 MB at batch size 64 (predicted for float32 and AdamW)."


def test_a_network_is_printed_with_the_totals_and_the_receptive_field():
    assert lines_of(network_table("net", NETWORK)) == [
        "net, input 8x8x1",
        "  place    layer              output   parameters   mult-adds   memory/case",
        " ───────────────────────────────────────────────────────────────────────────",
        "  0        C 16 x 3x3, relu   6x6x16        1,160      5.76 k        2.3 kB",
        "  1.0 #2   C 16 x 3x3, relu   6x6x16        1,160      5.76 k        2.3 kB",
        "  total                                     2,320      11.5 k       4.61 kB",
        "The receptive field of the last feature map is 5x5 voxels.",
        TRAINING,
    ]


@pytest.mark.parametrize("hidden", [0, 1, 5])
def test_a_very_deep_network_is_printed_with_its_first_and_last_layers(hidden):
    count = MAX_ROWS + hidden
    layers = [LAYER | {"place": f"$.layers[{k}]"} for k in range(count)]
    table = network_table("net", NETWORK | {"layers": layers})
    half = MAX_ROWS // 2
    places = [*map(str, range(half)), *["..."] * (hidden > 0), *map(str, range(half + hidden, count))]
    assert list(table.columns[0].cells) == places
    assert f"{hidden} more" in [*table.columns[1].cells, "0 more"]
    assert table.caption.endswith(f"\n--json lists all {count} layers." if hidden else TRAINING)


def test_a_twin_is_printed_beside_its_original():
    original = {
        "name": "net", "form": "2D", "input_shape": [8, 8, 1], "parameters": 1000, "macs": 1_000_000,
        "receptive_field": [5, 5], "features_depend_on_whole_input": False,
    }  # fmt: skip
    twin = original | {
        "name": "net_3d",
        "form": "3D",
        "input_shape": [8, 8, 4, 1],
        "parameters": 1999,
        "macs": 2_000_000,
    }
    twin["features_depend_on_whole_input"] = True
    document = {"original": original, "twin": twin, "match": "none", "factor": 1.0, "notes": ["A note."]}
    assert lines_of(twin_table(document)) == [
        "                      net        net_3d   difference",
        " ────────────────────────────────────────────────────",
        "  network              2D            3D",
        "  input             8x8x1       8x8x4x1",
        "  parameters        1,000         1,999       +99.9%",
        "  multiply-adds       1 M           2 M          x 2",
        "  receptive field     5x5   whole input",
    ]
    assert twin_lines(document) == ["A note."]
    del twin["receptive_field"]
    assert lines_of(twin_table(document))[-1].split() == ["receptive", "field", "5x5", "none"]


@pytest.fixture
def froc():
    """Three nodules in two scans: one found twice, one missed, one in a scan with two false positives."""
    nodules = Findings(
        series=["a", "a", "b"], points_mm=np.array([[0.0, 0, 0], [50, 0, 0], [0, 0, 0]]), diameters_mm=np.full(3, 10.0)
    )
    excluded = Findings(series=["b"], points_mm=np.array([[0.0, 90, 0]]), diameters_mm=np.full(1, 10.0))
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 0, 0], [200, 0, 0], [300, 0, 0], [0, 90, 0]])
    scores = np.array([0.9, 0.8, 0.7, 0.95, 0.3, 0.99])
    marks = Marks(series=["a", "a", "b", "b", "b", "b"], points_mm=points, scores=scores)
    return compute_froc(marks, ReferenceStandard(series=["a", "b"], nodules=nodules, excluded=excluded), bootstraps=0)


def test_a_froc_result_is_printed_with_the_counts_of_marks(froc):
    assert lines_of(froc_summary(froc)) == [
        "The marks find 2 of 3 nodules in 2 scans: CPM 0.476.",
        "FROC",
        " false positives",
        "        per scan   sensitivity",
        " ─────────────────────────────",
        *(f"{rate:>16}{sensitivity:>14}" for rate, sensitivity in (
            ("1/8", "0.000"), ("1/4", "0.000"), ("1/2", "0.667"), ("1", "0.667"), ("2", "0.667"), ("4", "0.667"),
            ("8", "0.667"), ("CPM", "0.476"),
        )),
        "Nodules and marks",
        "                                        number",
        " ─────────────────────────────────────────────",
        " nodules found                               2",
        " nodules missed                              1",
        " marks                                       6",
        " false positives                             2",
        " ignored, hit only excluded findings         1",
        " double, not the best on their nodule        1",
    ]  # fmt: skip
    lines = [" ".join(line.split()) for line in printed(froc_summary(froc))]
    assert "\n4 0.667\n8 0.667\n\nCPM 0.476\n" in "\n".join(lines)
    assert "\nnodules missed 1\n\nmarks 6\nfalse positives 2\n" in "\n".join(lines)


@pytest.mark.parametrize("is_long", [False, True])
def test_the_texts_of_a_finding_are_indented_and_use_the_whole_width(is_long):
    pairs = [(start, "x" * (37 - len(start) + is_long)) for start in ("Two:", "Affected:", "Remove:")]
    message, _, remedy = map(" ".join, pairs)
    finding = ERROR | {"is_allowed": False, "message": message, "remedy": remedy, "cases": [pairs[1][1]]}
    lines = printed(data_check_table(CHECK | {"findings": [finding]}), 40)
    expected = [part for pair in pairs for part in (pair if is_long else [" ".join(pair)])]
    start = lines.index("error  copies") + 1
    assert lines[start : start + len(expected) + 1] == [*(f"  {part}" for part in expected), ""]


def test_a_data_check_fits_a_narrow_terminal():
    summary = SUMMARY | {"positive": "x" * 40}
    lines = lines_of(data_check_table(CHECK | {"summary": summary}), 40)
    start = next(k for k, line in enumerate(lines) if line.startswith("positive class "))
    end = next(k for k, line in enumerate(lines) if line.startswith("groups "))
    assert "".join(line.removeprefix("positive class").strip() for line in lines[start:end]) == f'"{"x" * 40}"'


@pytest.mark.parametrize("width", [34, 30, 26, 22])
def test_the_labels_of_a_data_check_are_never_wrapped(width):
    assert any(line.startswith("positive class") for line in lines_of(data_check_table(CHECK), width))


def test_the_location_of_a_layer_is_never_wrapped():
    table = network_table("net", NETWORK)
    for width in (table.least_width(), table.least_width() - 1):
        assert any("1.0 #2" in line for line in lines_of(table, width))
