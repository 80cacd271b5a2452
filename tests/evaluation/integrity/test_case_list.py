"""Predictions are held to split.csv, with and without a manifest."""

import re

import pytest

from archnet.errors import DataError
from archnet.evaluation.predictions import read_run_predictions
from archnet.spec.experiment import SETS
from synthetic_runs import write_run

REMEDY = "Restore both files, or run the experiment again."


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "a")


def lines_of(run):
    return (run / "predictions.csv").read_text().splitlines(keepends=True)


def assert_refused(run, message, sets=SETS):
    expected = f"{run / 'predictions.csv'}: {message} {REMEDY}"
    with pytest.raises(DataError, match=f"^{re.escape(expected)}$"):
        read_run_predictions(run, sets)


def test_predictions_cut_at_a_line_are_refused_with_both_numbers(run):
    lines = lines_of(run)
    (run / "predictions.csv").write_text("".join(lines[:28]))
    first = lines[28].partition(",")[0]
    assert_refused(run, f'has 27 cases, but split.csv lists 600; "{first}" is missing.')


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        (",test,nodule,", ",test,non-nodule,", 'has label "non-nodule", but "nodule" in split.csv.'),
        (",test,", ",train,", 'has set "train", but "test" in split.csv.'),
    ],
)
def test_another_label_or_set_is_refused(run, old, new, difference):
    lines = lines_of(run)
    number = next(number for number, line in enumerate(lines) if old in line)
    lines[number] = lines[number].replace(old, new)
    (run / "predictions.csv").write_text("".join(lines))
    case = lines[number].partition(",")[0]
    assert_refused(run, f'case "{case}" {difference}', sets=["validation"])


def test_another_group_is_refused(run):
    lines = lines_of(run)
    case, _, rest = lines[1].split(",", 2)
    (run / "predictions.csv").write_text("".join([lines[0], f"{case},elsewhere,{rest}", *lines[2:]]))
    group = case.partition("#")[0]
    assert_refused(run, f'case "{case}" has group "elsewhere", but "{group}" in split.csv.')


def test_a_case_that_the_split_does_not_list_is_refused(run):
    lines = lines_of(run)
    added = "new#1," + lines[1].partition(",")[2]
    (run / "predictions.csv").write_text("".join([*lines, added]))
    assert_refused(run, 'case "new#1" is not in split.csv.')


def test_a_set_that_was_not_evaluated_may_lack(run):
    lines = [line for line in lines_of(run) if ",test," not in line]
    (run / "predictions.csv").write_text("".join(lines))
    assert "test" not in read_run_predictions(run, ["train", "validation"]).sets
    with pytest.raises(DataError, match=r"but split\.csv lists 600"):
        read_run_predictions(run, SETS)


def test_without_a_split_nothing_is_compared(run):
    (run / "split.csv").unlink()
    (run / "predictions.csv").write_text("".join(lines_of(run)[:28]))
    assert len(read_run_predictions(run, SETS).cases) == 27
