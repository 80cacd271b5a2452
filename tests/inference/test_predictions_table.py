"""The table of `archnet predict`: every class or the two most probable ones, and scans named below their folder."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.segment import Segment

from archnet.inference.predict_files import ScanResult
from archnet.inference.predictions_table import predictions_table

FEW, MANY = ("no", "maybe", "yes"), ("no", "maybe", "yes", *(f"a long name {number}" for number in range(9)))


def result_of(scans, classes=FEW, runs=("runs/a",), tta=False, rows=None):
    """Predictions, of which the second class is the most probable one and the third the second one."""
    row = [0.1, 0.625, 0.275, *[0.0] * (len(classes) - 3)]
    return ScanResult(
        runs=tuple(map(Path, runs)),
        classes=classes,
        tta=tta,
        scans=tuple(map(Path, scans)),
        probabilities=np.array(rows or [row] * len(scans)),
        warnings={},
        rejected={},
        trained_on={},
        undefined={},
        unknown_runs=(),
    )


def text_of(result):
    output = StringIO()
    Console(file=output, width=80).print(predictions_table(result))
    return output.getvalue()


def lines_of(result):
    return [" ".join(line.split()) for line in text_of(result).splitlines() if line.strip(" ─")]


@pytest.mark.parametrize(
    ("scans", "place", "names"),
    [
        (["/d/s/a.mhd", "/d/s/b.mhd"], " in /d/s", ["a.mhd", "b.mhd"]),
        (["/d/s/a.mhd", "/d/t/b.mhd"], " in /d", ["s/a.mhd", "t/b.mhd"]),
        (["/s/a.mhd", "/t/b.mhd"], "", ["/s/a.mhd", "/t/b.mhd"]),
        (["a.mhd", "t/b.mhd"], "", ["a.mhd", "t/b.mhd"]),
        (["t/a.mhd", "t/b.mhd"], " in t", ["a.mhd", "b.mhd"]),
        (["/d/a.mhd", "t/b.mhd"], "", ["/d/a.mhd", "t/b.mhd"]),
    ],
)
def test_scans_are_named_below_the_folder_that_contains_all_of_them(scans, place, names):
    *title, header, first, second = lines_of(result_of(scans))
    assert " ".join(title) == f"Class probabilities of 2 scans{place} runs/a"
    assert header == "scan no maybe yes"
    assert [first, second] == [f"{name} 10.00% 62.50% 27.50%" for name in names]


def test_the_title_names_the_mean_of_several_runs_and_test_time_augmentation():
    *title, _, _ = lines_of(result_of(["t/a.mhd"], runs=("runs/a", "runs/b"), tta=True))
    assert " ".join(title) == "Class probabilities of 1 scan in t mean of 2 runs, with test-time augmentation"


def test_of_many_classes_the_two_most_probable_ones_are_shown():
    assert lines_of(result_of(["t/a.mhd"], MANY))[2:] == [
        "scan most probable second",
        "a.mhd maybe 62.50% yes 27.50%",
        "--json prints the probabilities of all classes.",
    ]


@pytest.mark.parametrize("classes", [FEW, MANY])
def test_the_most_probable_class_is_bold(classes):
    console = Console(file=StringIO(), width=80, force_terminal=True, color_system="standard")
    segments = console.render(predictions_table(result_of(["t/a.mhd"], classes)))
    bold = {text.strip() for text, style, _ in Segment.filter_control(segments) if style and style.bold}
    assert ("62.50%" in bold, "maybe" in bold, "27.50%" in bold) == (classes is FEW, True, False)


@pytest.mark.parametrize(
    ("classes", "rows"),
    [(FEW, [[0.9, 0.06, 0.04], [0.05, 0.05, 0.9]]), (MANY, [[0.5, 0.45, 0.05, *[0.0] * 9], [1 / 12] * 12])],
)
def test_percentages_are_aligned_on_the_right(classes, rows):
    first, second = (
        line for line in text_of(result_of(["t/a", "t/b"], classes, rows=rows)).splitlines() if "%" in line
    )
    assert [k for k, character in enumerate(first) if character == "%"] == [
        k for k, character in enumerate(second) if character == "%"
    ]


@pytest.mark.parametrize("num_classes", [2, 12])
def test_long_names_are_folded_and_not_cut(num_classes):
    classes = tuple(f"{number:02}" + "c" * 50 for number in range(num_classes)) if num_classes > 2 else ("no", "yes")
    rows = [[0.625, 0.375, *[0.0] * (num_classes - 2)]]
    result = result_of(["s" * 150], classes, rows=rows)
    assert ("scan most probable second" if num_classes > 2 else "scan no yes") in lines_of(result)
    assert "\u2026" not in text_of(result)
    assert text_of(result).count("s") >= 150
