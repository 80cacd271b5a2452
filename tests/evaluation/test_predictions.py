import re

import numpy as np
import pytest

from archnet.errors import DataError, RunError
from archnet.evaluation.predictions import Predictions, read_predictions, write_predictions
from synthetic_runs import synthetic_predictions

REMEDY = "Restore the file, or run the experiment again."
HEADER = "case,group,set,y_true,p_non-nodule,p_nodule\n"
ROW = "a,g,test,nodule,0.25,0.75\n"


def test_predictions_read_back_to_the_very_same_floats_and_names(tmp_path):
    classes = ("CT-0", 'a,"b"', "line\nbreak", "ä")
    predictions = synthetic_predictions(classes, num_cases=200)
    back = read_predictions(write_predictions(tmp_path / "predictions.csv", predictions))
    assert back.classes == classes
    for name in ("cases", "groups", "sets", "y_true", "probabilities"):
        np.testing.assert_array_equal(getattr(back, name), getattr(predictions, name), err_msg=name)
    assert back.probabilities.dtype == np.float64


def test_a_float32_probability_keeps_its_exact_value(tmp_path):
    third = np.float32(1 / 3)
    predictions = Predictions(
        cases=np.array(["a"]),
        groups=np.array(["g"]),
        sets=np.array(["test"]),
        y_true=np.array([0]),
        probabilities=np.array([[third, 1 - third]], dtype=np.float64),
        classes=("0", "1"),
    )
    back = read_predictions(write_predictions(tmp_path / "predictions.csv", predictions))
    assert back.probabilities[0, 0] == third


def test_the_file_has_the_columns_that_the_design_names(tmp_path):
    path = write_predictions(tmp_path / "predictions.csv", synthetic_predictions(num_cases=3))
    assert path.read_text(encoding="utf-8").splitlines()[0] == "case,group,set,y_true,p_non-nodule,p_nodule"


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    path = write_predictions(tmp_path / "predictions.csv", synthetic_predictions(num_cases=3))
    before = path.read_bytes()
    broken = synthetic_predictions(num_cases=3)
    broken.y_true[1] = 7
    with pytest.raises(IndexError):
        write_predictions(path, broken)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["predictions.csv"]


def test_a_missing_file_says_that_the_run_is_not_finished(tmp_path):
    path = tmp_path / "predictions.csv"
    message = f"{path}: no such file. Finish the run, or name a different run folder."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        read_predictions(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "{path}: is empty. "),
        (HEADER, "{path}: has no cases. "),
        (
            "case,group,y_true,p_a\na,g,a,1\n",
            "{path} line 1: the columns are case,group,y_true,p_a; expected case,group,set,y_true and one p_<class> "
            "for each of two or more classes, optionally one soft_<class> for each, and weight. ",
        ),
        (
            "case,group,set,y_true,p_a,b\na,g,test,a,1,0\n",
            "{path} line 1: the columns are case,group,set,y_true,p_a,b; expected case,group,set,y_true and one "
            "p_<class> for each of two or more classes, optionally one soft_<class> for each, and weight. ",
        ),
        (HEADER + ROW + "b,g,test,nodule,0.25\n", "{path} line 3: 5 fields, but the header has 6. "),
        (HEADER + ROW + ROW, '{path} line 3: case "a" is already on line 2. '),
        (
            HEADER + "a,g,tset,nodule,0.25,0.75\n",
            '{path} line 2: set is "tset"; expected one of "train", "validation", "test". Did you mean "test"? ',
        ),
        (
            HEADER + ROW + "b,g,test,nodul,0.25,0.75\n",
            '{path} line 3: y_true is "nodul"; expected one of "non-nodule", "nodule". Did you mean "nodule"? ',
        ),
        (HEADER + "a,g,test,nodule,x,0.75\n", '{path} line 2: p_non-nodule is "x", not a number from 0 to 1. '),
        (HEADER + "a,g,test,nodule,0.25,nan\n", '{path} line 2: p_nodule is "nan", not a number from 0 to 1. '),
        (HEADER + "a,g,test,nodule,-0.5,1.5\n", '{path} line 2: p_non-nodule is "-0.5", not a number from 0 to 1. '),
        (HEADER + "a,g,test,nodule,0.25,0.5\n", "{path} line 2: the probabilities sum to 0.75, not to 1. "),
        (HEADER + '"a\nb",g,test,nodule,0.25,0.7\n', "{path} line 3: the probabilities sum to 0.95, not to 1. "),
        (
            HEADER + ROW + 'b,"g"h,test,nodule,0.25,0.75\n',
            """{path} line 3: not a csv table (',' expected after '"'). """,
        ),
        (HEADER + '"a\nb",g,test,nodule,0.2,0.8\n' + ROW + ROW, '{path} line 5: case "a" is already on line 4. '),
        (
            HEADER + ROW + "b,g,dev,nodule,0.25,0.75\nc,g,old,nodule,0.25,0.75\n",
            '{path} line 3: set is "dev"; expected one of "train", "validation", "test". ',
        ),
        (
            HEADER + ROW + "b,g,test,nodule,0.25,?\nc,g,test,nodule,!,0.75\n",
            '{path} line 3: p_nodule is "?", not a number from 0 to 1. ',
        ),
        (
            HEADER + ROW + "b,g,test,nodule,0.25,1.01\nc,g,test,nodule,-1,2\n",
            '{path} line 3: p_nodule is "1.01", not a number from 0 to 1. ',
        ),
        (
            HEADER + ROW + "b,g,test,nodule,0.25,0.739\nc,g,test,nodule,0.5,0.1\n",
            "{path} line 3: the probabilities sum to 0.989, not to 1. ",
        ),
    ],
)
def test_a_damaged_file_is_refused_with_its_line_and_a_remedy(tmp_path, text, message):
    path = tmp_path / "predictions.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=f"^{re.escape(message.format(path=path) + REMEDY)}$"):
        read_predictions(path)


def test_bytes_that_are_not_text_are_refused(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=f"^{re.escape(f'{path} line 1, column 1: not UTF-8 text. {REMEDY}')}$"):
        read_predictions(path)


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_bytes((HEADER + ROW).replace("\n", "\r\n").encode("utf-8-sig"))
    assert read_predictions(path).probabilities.tolist() == [[0.25, 0.75]]


def test_probabilities_of_0_and_1_and_sums_as_half_precision_rounds_them_are_read(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text(HEADER + "a,g,test,nodule,0,1\nb,g,test,nodule,0.25,0.7599\n", encoding="utf-8")
    assert read_predictions(path).probabilities.tolist() == [[0, 1], [0.25, 0.7599]]


def test_columns_of_different_lengths_are_refused():
    message = "1 cases of 2 classes do not fit columns of [1, 2] rows and probabilities of shape (1, 2)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Predictions(
            cases=np.array(["a"]),
            groups=np.array(["g", "h"]),
            sets=np.array(["test"]),
            y_true=np.array([0]),
            probabilities=np.array([[0.5, 0.5]]),
            classes=("0", "1"),
        )


@pytest.mark.parametrize(("positive", "expected"), [(1, [0, 1, 1]), (0, [0, 0, 1])])
def test_a_case_at_the_threshold_is_predicted_as_positive(positive, expected):
    predictions = Predictions(
        cases=np.array(["a", "b", "c"]),
        groups=np.array(["a", "b", "c"]),
        sets=np.array(["test"] * 3),
        y_true=np.array([0, 0, 0]),
        probabilities=np.array([[0.75, 0.25], [0.5, 0.5], [0.25, 0.75]]),
        classes=("0", "1"),
    )
    assert predictions.predicted_classes(positive=positive, threshold=0.5).tolist() == expected
