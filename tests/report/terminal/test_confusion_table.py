"""Confusion matrices of many classes fit the terminal, whatever their names and counts."""

import io

import numpy as np
import pytest
from rich.console import Console

from archnet.report.terminal.confusion_table import confusion_table

LONG = "pattern of interstitial lung disease"


def printed(renderable, width=80):
    console = Console(width=width, record=True, color_system=None, file=io.StringIO())
    console.print(renderable)
    return [line.rstrip() for line in console.export_text().splitlines()]


def matrix_of(num_classes, right, wrong):
    return (np.full((num_classes, num_classes), wrong) + np.eye(num_classes, dtype=int) * (right - wrong)).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("num_classes", [2, 3, 5, 11, 13, 40])
@pytest.mark.parametrize("right", [7, 480, 1_234_567])
@pytest.mark.parametrize("suffix", ["", f" {LONG}"])
@pytest.mark.parametrize("width", [60, 80])
def test_a_matrix_fits_the_width(num_classes, right, suffix, width):
    classes = [f"{letter}{suffix}" for letter in map(chr, range(65, 65 + num_classes))]
    lines = printed(confusion_table(matrix_of(num_classes, right, 3), classes, "test"), width)
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)


def test_columns_of_long_names_have_the_numbers_of_the_rows():
    classes = [f"class {letter} of a {LONG}" for letter in "ABCDE"]
    lines = [line.split() for line in printed(confusion_table(matrix_of(5, 80, 5), classes, "test"))]
    assert ["true", "class", "1", "2", "3", "4", "5", "recall"] in lines
    assert ["2", "class", "B", "of", "a", "pattern", "5", "80", "5", "5", "5", "80.0%"] in lines


def test_where_counts_are_too_wide_the_rows_are_percentages():
    lines = [
        line.split() for line in printed(confusion_table(matrix_of(11, 900_000, 10_000), list("ABCDEFGHIJK"), "test"))
    ]
    assert lines[0] == ["Confusion", "matrix,", "test", "set"]
    assert " ".join([*lines[1], *lines[2]]) == "Rows: true class. Columns: predicted class. Percent of each row."
    assert ["1", "A", "90", *["1"] * 10] in lines


def test_where_no_matrix_fits_the_most_frequent_confusions_are_listed():
    matrix = matrix_of(30, 50, 0)
    matrix[4][7], matrix[2][1] = 25, 10
    lines = [line.split() for line in printed(confusion_table(matrix, [f"k{k}" for k in range(30)], "test"))]
    assert [line for line in lines if line and line[0].startswith("k")] == [
        ["k4", "k7", "25", "33.3%"],
        ["k2", "k1", "10", "16.7%"],
    ]
