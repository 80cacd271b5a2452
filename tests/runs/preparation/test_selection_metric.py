"""Metrics that choose weights need a validation set with every class that they compare."""

import numpy as np
import pytest

from archnet.data.dataset import Cases
from archnet.errors import RunError
from archnet.network.examples import Examples
from archnet.network.training.validation import validation_metrics
from archnet.runs.preparation import check_selection_metrics, selection_metrics
from archnet.spec.experiment import EarlyStopping, Training
from archnet.spec.metrics import SELECTABLE_METRICS, summary_name

CLASSES = ("benign", "malignant", "other")


def _check(metric, labels, num_classes=2, sets=None):
    labels = np.array(labels)
    ids = np.arange(len(labels)).astype(str)
    cases = Cases(ids=ids, groups=ids, labels=labels, classes=CLASSES[:num_classes])
    sets = np.full(len(labels), "validation") if sets is None else np.array(sets)
    check_selection_metrics({"training.best_metric": metric}, cases, sets)


def test_the_metrics_that_a_training_looks_at():
    assert selection_metrics(Training()) == {}
    training = Training(best_metric="auc", early_stopping=EarlyStopping(metric="recall"))
    assert selection_metrics(training) == {"training.best_metric": "auc", "training.early_stopping.metric": "recall"}


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1], [0, 1], [0, 2], [0, 1, 2], [2]])
def test_a_metric_is_refused_where_its_value_after_an_epoch_is_not_a_number(labels):
    num_classes = max(2, max(labels) + 1)
    probabilities = np.eye(num_classes)[labels]
    validation = Examples(images=probabilities, rows=np.arange(len(labels)), labels=np.array(labels))
    values = validation_metrics(probabilities, validation, 1, Training())
    for metric in SELECTABLE_METRICS:
        if np.isnan(values[summary_name(metric, num_classes)]):
            with pytest.raises(RunError):
                _check(metric, labels, num_classes)
        else:
            _check(metric, labels, num_classes)


def test_the_message_names_the_key_the_classes_and_the_remedy():
    with pytest.raises(RunError) as caught:
        _check("auc", [0, 0, 0])
    assert str(caught.value) == (
        'training.best_metric: auc is undefined on the validation set: 3 cases, all of class "benign". Use "loss", or '
        "a validation set with every class."
    )
    with pytest.raises(RunError, match=r'1 case, all of class "benign"\.'):
        _check("recall", [0])
    with pytest.raises(RunError, match=r'2 cases, all of class "other"\.'):
        _check("auc", [2, 2], 3)
    _check("auc", [0, 2], 3)  # the macro mean over the two classes; `small_sets` warns about the absent one


def test_other_sets_do_not_count_and_without_a_validation_set_nothing_is_chosen():
    _check("auc", [0, 1, 0, 0], sets=["validation", "validation", "train", "test"])
    with pytest.raises(RunError):
        _check("auc", [0, 1, 0, 0], sets=["test", "train", "validation", "validation"])
    _check("auc", [0, 0], sets=["train", "test"])
