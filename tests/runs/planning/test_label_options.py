"""Soft labels and weights: required, used or ignored, as the training says."""

import re
from dataclasses import replace

import numpy as np
import pytest

from archnet.data.dataset import Cases
from archnet.errors import DataError
from archnet.runs.planning.label_options import check_label_options, select_labels
from archnet.runs.preparation.prepared_data import PreparedData
from archnet.spec.resolve import data_experiments
from archnet.spec.view import InputLimits

SOFT, WEIGHT = np.array([[1, 0], [0.25, 0.75]]), np.array([1.0, 2.0])


def experiment_of(data="npz:a.npz", **training):
    (experiment,) = data_experiments(data, [])
    return replace(experiment, training=replace(experiment.training, **training))


def prepared(soft=SOFT, weight=WEIGHT):
    names = np.array(["a", "b"])
    cases = Cases(ids=names, groups=names, labels=np.array([0, 1]), classes=("no", "yes"), soft=soft, weight=weight)
    return PreparedData(
        cases=cases, sets=np.array(["train"] * 2), values=np.zeros((2, 2, 2)), rows=np.arange(2), limits=InputLimits.of(0, 1)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("option", "column", "noun", "array", "malignancy"),
    [
        ("soft_labels", "soft", "soft labels", "soft", "data.undecided=soft"),
        ("case_weights", "weight", "weights", "weight", "data.label_weights=agreement"),
    ],
)
def test_labels_that_are_required_are_named_with_where_they_come_from(option, column, noun, array, malignancy):
    cases = prepared(**{column: None}).cases
    sources = {
        "npz:a.npz": f'the array "{array}" of an npz file',
        "luna16": "an npz file",
    }
    for data, source in sources.items():
        message = (
            f"training.{option}: the data have no {noun}. They come from {source}. Add them, or set training.{option} to "
            '"auto".'
        )
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            check_label_options(experiment_of(data, **{option: True}), cases)
    experiment = experiment_of("luna16", **{option: True})
    with pytest.raises(DataError, match=re.escape(f"They come from {malignancy}. ")):
        check_label_options(replace(experiment, data=replace(experiment.data, task="malignancy")), cases)
    check_label_options(experiment_of(**{option: "auto"}), cases)
    check_label_options(experiment_of(**{option: True}), prepared().cases)


@pytest.mark.parametrize("value", ["auto", True])
def test_labels_are_used_unless_the_training_ignores_them(value):
    data = prepared()
    selected = select_labels(data, experiment_of(soft_labels=value, case_weights=value))
    assert selected.cases.soft is SOFT
    assert selected.cases.weight is WEIGHT
    assert selected.findings == ()


def test_ignored_labels_are_removed_with_a_note_if_there_are_any():
    selected = select_labels(prepared(), experiment_of(soft_labels=False, case_weights=False))
    assert (selected.cases.soft, selected.cases.weight) == (None, None)
    assert [(one.check, one.severity, one.message) for one in selected.findings] == [
        ("soft_labels", "note", "The soft labels of the data are not used: training.soft_labels is false."),
        ("soft_labels", "note", "The weights of the data are not used: training.case_weights is false."),
    ]
    one = select_labels(prepared(weight=None), experiment_of(soft_labels=False, case_weights=False))
    assert len(one.findings) == 1
