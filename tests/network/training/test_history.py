"""Early stopping and running sums of an epoch, from rows of history.csv."""

import numpy as np
import pytest

from archnet.network.training.batches import EpochSamples, sample_weights
from archnet.network.training.history import Tally, TrainingProgress, should_stop
from archnet.network.training.trainer import delay_reading
from archnet.spec.experiment import EarlyStopping
from plain_training import plain


def rows(column, *values):
    return [{"epoch": epoch, column: value} for epoch, value in enumerate(values, start=1)]


@pytest.mark.parametrize(
    ("metric", "history", "is_over"),
    [
        ("loss", [], False),
        ("loss", rows("validation_loss", 0.5, 0.4, 0.45), False),
        ("loss", rows("validation_loss", 0.5, 0.4, 0.45, 0.4), True),
        ("loss", rows("validation_loss", 0.5, 0.4, 0.45, 0.39), False),
        ("auc", rows("validation_auc", 0.5, 0.6, 0.55), False),
        ("auc", rows("validation_auc", 0.6, 0.5, 0.55), True),
        ("auc", rows("validation_auc", 0.6, 0.5, float("nan")), True),
        ("auc", rows("train_loss", 3, 4, 5, 6), False),
    ],
)
def test_training_stops_after_the_patience_without_a_better_value(metric, history, is_over):
    assert should_stop(history, EarlyStopping(metric=metric, patience=2)) == is_over
    assert not should_stop(history, None)


def test_the_sums_of_an_epoch_weigh_each_step_by_its_cases():
    tally = Tally()
    tally.add(0.5, np.array([[3.0, 1.0], [0.0, 0.0]]), 4)
    tally.add(2.0, np.array([[0.0, 0.0], [1.0, 1.0]]), 2)
    assert (tally.num_steps, tally.num_cases, tally.matrix.tolist()) == (2, 6, [[3, 1], [1, 1]])
    means = tally.means(1)
    assert (means["loss"], means["accuracy"], means["recall"]) == pytest.approx((1.0, 4 / 6, 0.5))


def test_the_weights_of_the_best_epoch_are_kept_and_the_first_of_equal_ones():
    progress = TrainingProgress(tally=Tally(num_steps=3))
    for epoch, value in enumerate([0.5, 0.75, 0.75, 0.25], start=1):
        progress.end_epoch({"epoch": epoch, "validation_auc": value}, "auc", [np.array(epoch)])
    assert (progress.best_value, progress.best_weights) == (0.75, [np.array(2)])
    assert [row["epoch"] for row in progress.history] == [1, 2, 3, 4]
    assert progress.tally.num_steps == 0


def samples_of(labels, weights=None, soft=None):
    labels = np.array(labels)
    return EpochSamples(
        rows=np.arange(len(labels)),
        turns=np.zeros(len(labels), int),
        labels=labels,
        weights=None if weights is None else np.array(weights, np.float32),
        soft=None if soft is None else np.array(soft),
    )


def test_case_weights_are_one_on_average_and_classes_may_weigh_alike():
    assert sample_weights(samples_of([0, 0, 0, 1]), plain()).tolist() == [1, 1, 1, 1]
    assert sample_weights(samples_of([0, 1], [1, 3]), plain()).tolist() == [0.5, 1.5]
    balanced = sample_weights(samples_of([0, 0, 0, 1]), plain(balance="weights"))
    assert balanced.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
    both = sample_weights(samples_of([0, 0, 1, 1], [1, 3, 2, 2]), plain(balance="weights"))
    assert both.tolist() == pytest.approx([0.5, 1.5, 1, 1])


def test_a_case_with_a_soft_label_alone_weighs_as_its_shares():
    soft = [[1, 0], [1, 0], [0, 1], [0.25, 0.75]]
    weights = sample_weights(samples_of([0, 0, 1, -1], soft=soft), plain(balance="weights"))
    factors = np.array([1.0, 1.0, 2.0, 0.25 * 1 + 0.75 * 2])
    assert weights.tolist() == pytest.approx((factors * 4 / factors.sum()).tolist())
    with pytest.raises(ValueError, match=r"^samples without a hard label need a soft one$"):
        sample_weights(samples_of([0, 1, -1]), plain(balance="weights"))


def test_a_step_is_read_after_the_next_has_started_unless_a_checkpoint_is_due():
    events = []

    def start(number):
        events.append(f"start {number}")
        return number

    due = iter([False, True, False, False])
    for step, is_due in delay_reading(map(start, range(4)), lambda: next(due)):
        events.append(f"read {step}{' due' if is_due else ''}")
    assert events == [
        *("start 0", "start 1", "read 0", "read 1 due"),
        *("start 2", "start 3", "read 2", "read 3"),
    ]
    assert list(delay_reading([])) == []
