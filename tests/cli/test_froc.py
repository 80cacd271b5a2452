"""`archnet froc` as a process, and the lists that it reads."""

import csv
import json
import re
import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest

from archnet.errors import DataError
from archnet.evaluation.froc.curve import compute_froc
from archnet.evaluation.froc.lists import (
    leave_out_training_series,
    read_findings,
    read_lists,
    read_marks,
    read_series,
    write_training_series,
)

POINT = "seriesuid,coordX,coordY,coordZ"
FILES = {
    "submission.csv": f"{POINT},probability\na,1,0,0,0.9\na,50,0,0,0.8\nb,0,0,1,0.7\nb,90,0,0,0.6\nz,0,0,0,1\n",
    "annotations.csv": f"{POINT},diameter_mm\na,0,0,0,6\nb,0,0,0,6\nc,0,0,0,6\n",
    "excluded.csv": f"{POINT},diameter_mm\nb,90,0,0,-1\n",
    "series.csv": "a\nb\nc\nd\n",
}


@pytest.fixture
def lists(tmp_path):
    """A folder with a small submission and its lists."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def froc(folder, *arguments):
    """The finished process of `archnet froc` on the lists of a folder."""
    names = [
        "submission.csv",
        "--annotations",
        "annotations.csv",
        "--excluded",
        "excluded.csv",
        "--series",
        "series.csv",
    ]
    return subprocess.run(
        [sys.executable, "-c", "from archnet.cli import main; main()", "froc", *names, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def read(folder):
    return read_lists(*(folder / name for name in FILES))


@pytest.mark.slow
def test_froc_tells_machines_its_results_and_people_what_is_left_out(lists):
    done = froc(lists, "--bootstraps", 20, "--json")
    assert done.returncode == 0
    results = json.loads(done.stdout)
    assert results["sensitivities"] == pytest.approx([1 / 3] + [2 / 3] * 6)
    assert results["cpm"] == pytest.approx((1 / 3 + 4) / 7)
    assert {name: value for name, value in results.items() if name.startswith("num_")} == {
        "num_scans": 4,
        "num_nodules": 3,
        "num_marks": 4,
        "num_true_positives": 2,
        "num_false_positives": 1,
        "num_false_negatives": 1,
        "num_ignored": 1,
        "num_double": 0,
        "num_unlisted": 1,
        "num_training_scans_left_out": 0,
    }
    low, high = results["intervals"]["cpm"]
    assert 0 <= low <= results["cpm"] <= high <= 1
    assert len(results["intervals"]["sensitivities"]) == 7
    assert done.stderr == "Warning: 1 of 5 marks are of series that series.csv does not list; they are left out.\n"


@pytest.mark.slow
def test_froc_prints_a_sentence_and_tables(lists):
    done = froc(lists, "--bootstraps", 0)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.stdout.splitlines()[0] == "The marks find 2 of 3 nodules in 4 scans: CPM 0.619."
    assert ["1/8", "0.333"] in lines
    assert ["CPM", "0.619"] in lines
    assert ["ignored,", "hit", "only", "excluded", "findings", "1"] in lines


@pytest.mark.slow
def test_froc_keeps_the_best_marks_of_each_scan(lists):
    results = json.loads(froc(lists, "--bootstraps", 0, "--max-marks", 1, "--json").stdout)
    assert (results["num_marks"], results["num_true_positives"], results["num_false_positives"]) == (2, 2, 0)


@pytest.mark.slow
def test_froc_draws_the_curve_and_writes_its_points(lists):
    done = froc(lists, "--bootstraps", 20, "--out", "new/curve.png", "--out", "froc.csv")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-2:] == ["Wrote new/curve.png", "Wrote froc.csv"]
    assert matplotlib.image.imread(lists / "new/curve.png").std() > 0.01
    with (lists / "froc.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["false_positives_per_scan", "sensitivity", "threshold"]
    points = [[0, 0, np.inf], [0, 1 / 3, 0.9], [0.25, 1 / 3, 0.8], [0.25, 2 / 3, 0.7]]
    np.testing.assert_allclose(np.array(rows, float), points, rtol=0, atol=1e-15)


@pytest.mark.slow
def test_a_curve_of_an_unknown_form_is_refused_before_anything_is_read(lists):
    (lists / "series.csv").unlink()
    done = froc(lists, "--out", "curve.jpg")
    assert done.returncode == 2
    assert (
        done.stderr
        == "--out curve.jpg: expected a file name ending in .png, .svg or .pdf (the curve) or .csv (its points).\n"
    )


@pytest.mark.slow
def test_a_curve_does_not_replace_a_list(lists):
    done = froc(lists, "--out", "series.csv")
    assert done.returncode == 2
    assert done.stderr == "--out series.csv: is also an input and would be overwritten. Choose a different name.\n"


@pytest.mark.slow
def test_froc_imports_no_network(lists):
    arguments = ["froc", *(str(lists / name) for name in FILES)]
    for place, option in ((2, "--annotations"), (4, "--excluded"), (6, "--series")):
        arguments.insert(place, option)
    code = (
        f"import sys\nfrom archnet.cli import app\napp({arguments!r}, standalone_mode=False)\n"
        "print(sorted({'keras', 'tensorflow', 'sklearn', 'SimpleITK', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


def test_lists_with_a_byte_order_mark_windows_line_ends_and_blank_lines_read_the_same(lists):
    marks, reference = read(lists)
    for name, text in FILES.items():
        (lists / name).write_bytes(b"\xef\xbb\xbf" + (text + "\n").replace("\n", "\r\n").encode())
    marks_again, reference_again = read(lists)
    assert marks_again.series == marks.series == ["a", "a", "b", "b", "z"]
    np.testing.assert_array_equal(marks_again.scores, marks.scores)
    assert reference_again.series == reference.series == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(reference_again.excluded.points_mm, [[90, 0, 0]])


def test_a_header_over_the_series_is_not_a_series(tmp_path):
    (tmp_path / "series.csv").write_text("seriesuid\na\n")
    assert read_series(tmp_path / "series.csv") == ["a"]


def test_columns_are_found_by_their_names(tmp_path):
    (tmp_path / "marks.csv").write_text("probability,id,coordZ,coordY,coordX,seriesuid\n0.5,7,3,2,1,a\n")
    marks = read_marks(tmp_path / "marks.csv")
    assert (marks.series, marks.points_mm.tolist(), marks.scores.tolist()) == (["a"], [[1, 2, 3]], [0.5])


@pytest.mark.slow
def test_a_submission_without_marks_is_one(lists):
    (lists / "submission.csv").write_text(f"{POINT},probability\n")
    assert json.loads(froc(lists, "--bootstraps", 0, "--json").stdout)["cpm"] == 0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "submission.csv",
            f"{POINT},probability\na,1,0,0,0.9\na,1,0,,0.9\n",
            ' line 3: coordZ must be a finite number, got "".',
        ),
        (
            "submission.csv",
            f"{POINT},probability\na,1,0,0,nan\n",
            ' line 2: probability must be a finite number, got "nan".',
        ),
        (
            "annotations.csv",
            f"{POINT},diameter_mm\na,0,0,0,6mm\n",
            ' line 2: diameter_mm must be a finite number, got "6mm".',
        ),
        ("excluded.csv", f"{POINT},diameter_mm\nb,inf,0,0,-1\n", ' line 2: coordX must be a finite number, got "inf".'),
        (
            "excluded.csv",
            f"{POINT},diameter_mm\nb,9,0\n",
            " line 2: expected seriesuid, coordX, coordY, coordZ, diameter_mm, got b, 9, 0.",
        ),
        (
            "submission.csv",
            f"{POINT},probabilty\na,1,0,0,0.9\n",
            ' line 1: the column "probability" is missing. Did you mean "probabilty"? Expected seriesuid, coordX, coordY, '
            "coordZ, probability (separated by commas), got seriesuid, coordX, coordY, coordZ, probabilty.",
        ),
        (
            "annotations.csv",
            f"{POINT},diameter_mm\n",
            ": contains no nodules, so there is no sensitivity to compute.",
        ),
        ("series.csv", "\n\n", ": contains no series. Write the uid of each scan, one per line."),
        ("series.csv", "a\nb\n\na\n", " line 4: a is already on line 1. Remove one."),
        ("series.csv", "a\nb,1\n", " line 2: expected one series uid, got b,1."),
    ],
)
def test_a_damaged_list_is_refused_with_its_place(lists, name, text, message):
    (lists / name).write_text(text)
    with pytest.raises(DataError, match=f"^{re.escape(f'{lists / name}{message}')}$"):
        read(lists)


@pytest.mark.parametrize(("name", "column"), [("submission.csv", "probability"), ("annotations.csv", "diameter_mm")])
def test_a_list_of_other_scans_is_refused(lists, name, column):
    (lists / name).write_text(f"{POINT},{column}\nx,1,0,0,0.9\n")
    message = (
        f"{lists / name}: none of its rows has a series uid that {lists / 'series.csv'} lists. "
        "The first row has x; the first series in the list is a."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read(lists)


@pytest.mark.parametrize("reader", [read_marks, read_findings, read_series])
def test_a_missing_list_is_reported(tmp_path, reader):
    message = f"{tmp_path / 'no.csv'}: no such file. Name one of LUNA16's lists, or a file in the same format."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        reader(tmp_path / "no.csv")


def test_series_that_are_not_text_are_refused(tmp_path):
    (tmp_path / "series.csv").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(DataError, match=r"series\.csv: not a readable list \(.*\)\. Save it as text in UTF-8\.$"):
        read_series(tmp_path / "series.csv")


@pytest.mark.slow
def test_marks_on_every_finding_of_luna16_find_every_nodule_without_a_false_positive(real_data, tmp_path):
    lists = real_data / "luna16_lists"
    rows = [f"{POINT},probability"]
    for name, score in (("annotations.csv", 0.9), ("annotations_excluded.csv", 0.1)):
        lines = (lists / name).read_text().splitlines()[1:]
        rows += [f"{line.rpartition(',')[0]},{score}" for line in lines]
    (tmp_path / "submission.csv").write_text("\n".join(rows) + "\n")
    names = [lists / name for name in ("annotations.csv", "annotations_excluded.csv", "seriesuids.csv")]
    marks, reference = read_lists(tmp_path / "submission.csv", *names)
    results = compute_froc(marks, reference, bootstraps=2).to_document()
    assert (results["num_scans"], results["num_nodules"], results["num_marks"]) == (888, 1186, 1186 + 35192)
    assert (results["num_true_positives"], results["num_false_positives"]) == (1186, 0)
    assert (results["cpm"], results["intervals"]["cpm"]) == (1, [1, 1])


@pytest.mark.slow
def test_scans_that_were_trained_on_are_left_out_unless_they_are_included(lists):
    submission = lists / "submission.csv"
    write_training_series(submission, ["b", "elsewhere"])
    done = froc(lists, "--bootstraps", 0, "--json")
    results = json.loads(done.stdout)
    assert [results[f"num_{name}"] for name in ("scans", "nodules", "marks", "training_scans_left_out")] == [3, 2, 2, 1]
    assert done.stderr == (
        "Warning: 1 of 3 marks are of series that series.csv does not list; they are left out.\n"
        "Warning: left out 1 scan of series.csv that the networks were trained on. To include such scans, add "
        "--include-training-scans.\n"
    )
    done = froc(lists, "--bootstraps", 0, "--json", "--include-training-scans")
    assert "left out" not in done.stderr.partition("\n")[2]
    included = json.loads(done.stdout)
    assert [included[f"num_{name}"] for name in ("scans", "nodules", "training_scans_left_out")] == [4, 3, 0]
    write_training_series(submission, [])
    assert json.loads(froc(lists, "--bootstraps", 0, "--json").stdout) == included


def test_without_a_nodule_in_other_scans_there_is_nothing_to_evaluate(lists):
    submission = lists / "submission.csv"
    write_training_series(submission, ["a", "b", "c"])
    message = (
        f"{lists / 'submission.training_scans.csv'}: the networks were trained on all scans with nodules. Evaluate them "
        "on other scans, or include these with --include-training-scans."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        leave_out_training_series(submission, *read(lists))


@pytest.mark.slow
def test_the_nodules_of_each_diameter_are_evaluated_on_request(lists):
    rows = ["a,0,0,0,5", "b,0,0,0,7", "c,0,0,0,-1"]
    (lists / "annotations.csv").write_text(f"{POINT},diameter_mm\n" + "\n".join(rows) + "\n", encoding="utf-8")
    done = froc(lists, "--by", "diameter", "--json")
    assert done.returncode == 0
    strata = json.loads(done.stdout)["by_diameter"]
    assert [(one["name"], one["num_nodules"], one["num_true_positives"], one["is_small"]) for one in strata] == [
        ("under 6", 1, 1, True),
        ("6 to 8", 1, 1, True),
        ("unknown", 1, 0, True),
    ]
    assert {one["num_false_positives"] for one in strata} == {json.loads(done.stdout)["num_false_positives"]}
    assert strata[0]["intervals"] == {"cpm": None, "sensitivities": [None] * 7}
    words = froc(lists, "--by", "diameter").stdout
    assert "By nodule diameter, sensitivity at false positives per scan" in words
    assert re.search(r"under 6 mm +1, few( +1\.00){7} +1\.000", words)


@pytest.mark.slow
def test_nodules_of_one_diameter_are_said_to_have_no_strata(lists):
    done = froc(lists, "--by", "diameter", "--bootstraps", 0)
    assert done.stdout.splitlines()[-1] == "All nodules are in one stratum of diameters."
