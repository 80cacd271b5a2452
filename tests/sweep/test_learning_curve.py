"""The learning curve of a run: which epoch's weights it keeps, and the metric there."""

import json

import numpy as np
import pytest

from archnet.evaluation.kept_epoch import best_epoch_index
from archnet.network.training.history import TrainingProgress
from archnet.sweep.results.learning_curve import read_learning_curve


@pytest.mark.parametrize(
    ("best_metric", "kept"),
    [("loss", 1), ("auc", 2), (None, 3), ("recall", 3)],
    ids=["loss", "auc", "last", "undefined"],
)
def test_the_value_is_that_of_the_epoch_whose_weights_are_kept(best_metric, kept, tmp_path):
    (tmp_path / "history.csv").write_text(
        "epoch,seconds,validation_loss,validation_auc,validation_recall\n1,1,0.9,0.1,\n2,1,0.2,0.2,\n3,1,0.2,0.8,\n4,1,0.5,0.4,\n"
    )
    (tmp_path / "experiment.json").write_text(json.dumps({"training": {"best_metric": best_metric, "epochs": 7}}))
    curve = read_learning_curve(tmp_path, "auc")
    assert (curve.best_index, curve.value) == (kept, [0.1, 0.2, 0.8, 0.4][kept])


def test_of_more_than_two_classes_the_value_is_the_macro_mean_and_chooses_the_epoch(tmp_path):
    (tmp_path / "history.csv").write_text(
        "epoch,seconds,validation_macro_auc,validation_auc.a,validation_auc.b,validation_auc.c\n"
        "1,1,0.7,0.5,0.8,0.8\n2,1,0.8,0.9,0.8,0.7\n3,1,0.6,1.0,0.3,0.5\n"
    )
    (tmp_path / "experiment.json").write_text(json.dumps({"training": {"best_metric": "auc"}}))
    curve = read_learning_curve(tmp_path, "auc")
    assert (curve.column, curve.best_index, curve.value) == ("validation_macro_auc", 1, 0.8)


@pytest.mark.parametrize("metric", ["loss", "auc", None])
@pytest.mark.parametrize("seed", range(20))
def test_the_kept_epoch_is_the_one_whose_weights_training_keeps(metric, seed):
    generator = np.random.default_rng(seed)
    values = generator.choice([0.2, 0.5, 0.7, np.nan], generator.integers(1, 6)).tolist()
    progress, column = TrainingProgress(), f"validation_{metric or 'auc'}"
    for index, value in enumerate(values):
        progress.end_epoch({column: value}, metric, [np.array(index)])
    kept = len(values) - 1 if progress.best_weights is None else int(progress.best_weights[0])
    assert best_epoch_index({"seconds": [1.0] * len(values), column: values}, metric) == kept


def test_the_value_of_an_ensemble_is_the_mean_over_its_members(tmp_path):
    rows = ["1,1,5,0.5", "1,2,5,0.7", "2,1,5,0.9", "2,2,5,0.3", "2,3,5,0.8"]
    (tmp_path / "history.csv").write_text("\n".join(["member,epoch,seconds,validation_auc", *rows]) + "\n")
    (tmp_path / "experiment.json").write_text('{"training": {"best_metric": "auc"}}')
    curve = read_learning_curve(tmp_path, "auc")
    assert curve.values == pytest.approx((0.7, 0.5, 0.8))
    assert curve.kept_values == (0.7, 0.9)
    assert curve.value == pytest.approx(0.8)
    assert (curve.num_epochs, curve.seconds) == (5, 25)
