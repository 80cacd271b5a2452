"""Soft labels and case weights in training: the loss of every combination of options, and what leaves it unchanged."""

import dataclasses
import itertools
import re

import keras
import numpy as np
import pytest

from archnet.errors import RunError
from archnet.network.examples import UNLABELLED, Examples
from archnet.network.scaling import build_inference_model
from archnet.network.training.batches import (
    EpochSamples,
    TrainingBatches,
    draw_epoch_order,
    epoch_samples,
    sample_weights,
)
from archnet.network.training.objective import Objective
from archnet.network.training.trainer import _pad
from archnet.network.training.validation import validation_loss
from archnet.spec.augmentations import RotatedCopies
from plain_training import plain
from small_training import (
    LIMITS,
    InterruptedTrainingError,
    InterruptingAtStep,
    are_equal,
    bright_and_dark,
    fit,
    network_of,
    told_by,
)


def _shares(labels, num_classes=2, seed=0):
    """Shares of which the label's is the largest."""
    shares = np.random.default_rng(seed).dirichlet([1.0] * num_classes, len(labels))
    shares[np.arange(len(labels)), labels] += 1
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def _examples(count=48, num_classes=2, *, soft=True, weights=True):
    plain_examples = bright_and_dark(count)
    labels = np.arange(count) ** 2 % num_classes if num_classes > 2 else plain_examples.labels
    return dataclasses.replace(
        plain_examples,
        labels=labels,
        soft=_shares(labels, num_classes) if soft else None,
        weights=np.random.default_rng(1).uniform(0.2, 3, count).astype(np.float32) if weights else None,
    )


def _weights_as_documented(examples, balance):
    """Relative to their mean; with "weights" every class has the same total."""
    weights = np.ones(len(examples)) if examples.weights is None else examples.weights.astype(np.float64)
    if balance == "weights":
        for label in np.unique(examples.labels):
            weights[examples.labels == label] /= weights[examples.labels == label].sum()
    return weights / weights.mean()


def _losses_as_documented(probabilities, examples, training):
    shares = np.eye(probabilities.shape[1])[examples.labels] if examples.soft is None else examples.soft
    target = shares * (1 - training.label_smoothing) + training.label_smoothing / probabilities.shape[1]
    focus = (1 - probabilities) ** training.focal_gamma if training.loss == "focal" else 1
    return -(target * focus * np.log(probabilities)).sum(axis=1)


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "num_classes"), [(None, 2), ("sigmoid", 2), (None, 3)])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("gamma", [None, 1.5])
def test_the_loss_of_a_batch_is_the_documented_one(activation, num_classes, smoothing, gamma):
    options = {"loss": "cross_entropy"} if gamma is None else {"loss": "focal", "focal_gamma": gamma}
    training = plain(label_smoothing=smoothing, batch_size=17, **options)
    network = network_of(activation, num_classes=num_classes)
    objective = Objective(network, LIMITS, training)
    probabilities = told_by(build_inference_model(network, LIMITS), bright_and_dark().images)
    for soft, weights, balance in itertools.product((True, False), (True, False), ("none", "weights")):
        examples = _examples(num_classes=num_classes, soft=soft, weights=weights)
        options = dataclasses.replace(training, balance=balance)
        samples = epoch_samples(examples, options, positive=1)
        batches = TrainingBatches(examples=examples, samples=samples, training=options, num_classes=num_classes)
        batch = next(batches.epoch_batches(0))
        (loss, counts), _ = objective.gradients(batch.micro_batches[0])
        expected = _losses_as_documented(probabilities, examples, options) * _weights_as_documented(examples, balance)
        assert float(loss) == pytest.approx(expected[batch.rows].mean(), rel=2e-5), (soft, weights, balance)
        hard = np.bincount(examples.labels[batch.rows], minlength=num_classes)
        assert keras.ops.convert_to_numpy(counts).sum(axis=1).tolist() == hard.tolist()


@pytest.mark.slow
def test_one_hot_soft_labels_and_equal_weights_give_bit_identical_results():
    hard, training = bright_and_dark(), plain(epochs=2, batch_size=16, label_smoothing=0.1)
    same = dataclasses.replace(hard, soft=np.eye(2, dtype=np.float32)[hard.labels], weights=np.full(48, 2, np.float32))
    network, history = fit(training, examples=hard, validation=bright_and_dark(16))
    other, other_history = fit(training, examples=same, validation=bright_and_dark(16))
    assert are_equal(network.get_weights(), other.get_weights())
    assert [row["train_loss"] for row in history] == [row["train_loss"] for row in other_history]


@pytest.mark.slow
def test_only_the_ratios_of_weights_matter():
    examples = _examples()
    doubled = dataclasses.replace(examples, weights=2 * examples.weights)
    training = plain(epochs=2, batch_size=16)
    assert are_equal(
        fit(training, examples=examples)[0].get_weights(), fit(training, examples=doubled)[0].get_weights()
    )


@pytest.mark.slow
def test_micro_batches_train_like_whole_batches():
    training = plain(epochs=2, batch_size=16, balance="weights", label_smoothing=0.1)
    whole, history = fit(training, examples=_examples())
    parts, part_history = fit(training, examples=_examples(), micro_batch=5)
    for one, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)
    assert history[-1]["train_loss"] == pytest.approx(part_history[-1]["train_loss"], rel=1e-5)


def test_soft_labels_and_weights_follow_their_cases_through_copies_and_oversampling():
    examples = _examples(20)
    rare = Examples(
        images=examples.images,
        rows=np.arange(20),
        labels=(np.arange(20) < 4).astype(np.int64),
        soft=examples.soft,
        weights=examples.weights,
    )
    training = plain(batch_size=7, augmentation=(RotatedCopies(),), balance="oversample")
    samples = epoch_samples(rare, training, positive=1)
    batches = TrainingBatches(examples=rare, samples=samples, training=training, num_classes=2, micro_batch=3)
    relative = rare.weights / rare.weights[samples.rows].mean(dtype=np.float64)
    num_seen = 0
    for batch in batches.epoch_batches(1):
        parts = {name: np.concatenate([part[name] for part in batch.micro_batches]) for name in ("soft", "weights")}
        np.testing.assert_array_equal(parts["soft"], rare.soft[batch.rows])
        np.testing.assert_allclose(parts["weights"] * len(batch.rows), relative[batch.rows], rtol=1e-6)
        num_seen += len(batch.rows)
    assert num_seen == len(samples.rows)


def test_weights_and_balance_give_every_class_the_same_total():
    labels, weights = np.array([0] * 9 + [1] * 3), np.arange(1, 13, dtype=np.float32)
    samples = EpochSamples(rows=np.arange(12), turns=np.zeros(12, np.float32), labels=labels, weights=weights)
    balanced = sample_weights(samples, plain(balance="weights"))
    assert balanced[labels == 0].sum() == pytest.approx(6)
    assert balanced[labels == 1].sum() == pytest.approx(6)
    assert balanced[1] / balanced[0] == pytest.approx(2)
    np.testing.assert_allclose(sample_weights(samples, plain()), weights / 6.5, rtol=1e-6)


def _with_undecided(count=48):
    """Cases of which every fourth has only a soft label, with equal shares."""
    examples, is_undecided = bright_and_dark(count), np.arange(count) % 4 == 0
    soft = np.eye(2, dtype=np.float32)[examples.labels]
    soft[is_undecided] = 0.5
    return dataclasses.replace(examples, labels=np.where(is_undecided, UNLABELLED, examples.labels), soft=soft)


@pytest.mark.slow
def test_cases_that_have_only_a_soft_label_count_for_no_class_in_the_history():
    examples = _with_undecided()
    _, history = fit(plain(epochs=2, batch_size=13), examples=examples)
    objective = Objective(network_of(), LIMITS, plain())
    samples = epoch_samples(examples, plain(), positive=1)
    training = plain(batch_size=48)
    batches = TrainingBatches(examples=examples, samples=samples, training=training, num_classes=2)
    batch = next(batches.epoch_batches(0))
    (_, counts), _ = objective.gradients(batch.micro_batches[0])
    expected = np.bincount(examples.labels[examples.labels != UNLABELLED])
    assert keras.ops.convert_to_numpy(counts).sum(axis=1).tolist() == expected.tolist()
    assert [row["cases"] for row in history] == [48, 48]


def test_cases_that_have_only_a_soft_label_have_the_mean_of_the_factors_of_the_classes():
    labels = np.array([0] * 6 + [1] * 2 + [UNLABELLED] * 4)
    soft = np.eye(2, dtype=np.float32)[labels]
    soft[8:] = 0.5
    samples = EpochSamples(rows=np.arange(12), turns=np.zeros(12, np.float32), labels=labels, soft=soft)
    balanced = sample_weights(samples, plain(balance="weights"))
    assert balanced[:6].sum() == pytest.approx(balanced[6:8].sum())
    np.testing.assert_allclose(balanced[8:], (balanced[0] + balanced[7]) / 2, rtol=1e-6)
    assert balanced.mean() == pytest.approx(1)
    order = draw_epoch_order(samples, plain(balance="oversample"), 0)
    assert np.unique(labels[order], return_counts=True)[1].tolist() == [4, 4, 4]
    assert sorted(order[labels[order] == UNLABELLED].tolist()) == [8, 9, 10, 11]


@pytest.mark.parametrize("gamma", [None, 2.0])
def test_the_validation_loss_is_a_weighted_mean_without_smoothing(gamma):
    options = {"loss": "cross_entropy"} if gamma is None else {"loss": "focal", "focal_gamma": gamma}
    training = plain(label_smoothing=0.3, balance="weights", **options)
    probabilities = np.random.default_rng(3).dirichlet([1.0] * 3, 48)
    for soft, weights in itertools.product((True, False), (True, False)):
        examples = _examples(num_classes=3, soft=soft, weights=weights)
        losses = _losses_as_documented(probabilities, examples, dataclasses.replace(training, label_smoothing=0))
        expected = np.average(losses, weights=examples.weights)
        assert validation_loss(probabilities, examples, training) == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
def test_the_validation_loss_in_the_history_is_that_of_the_soft_labels():
    validation = _examples(16)
    training = plain(epochs=1, batch_size=16, best_metric=None)
    network, history = fit(training, validation=validation)
    probabilities = told_by(build_inference_model(network, LIMITS), validation.images)
    expected = np.average(_losses_as_documented(probabilities, validation, training), weights=validation.weights)
    assert history[0]["validation_loss"] == pytest.approx(expected, rel=1e-5)


def test_a_padded_batch_repeats_soft_labels_with_weight_0():
    arrays = {"labels": np.array([1]), "weights": np.array([0.5]), "soft": np.array([[0.2, 0.8]])}
    padded = _pad(arrays, 3)
    assert padded["soft"].tolist() == [[0.2, 0.8]] * 3
    assert padded["weights"].tolist() == [0.5, 0, 0]


@pytest.mark.slow
def test_an_interrupted_training_resumes_only_with_the_same_soft_labels(tmp_path):
    training, examples = plain(epochs=3, batch_size=16), _examples()
    whole, _ = fit(training, examples=examples)
    checkpoint = {"checkpoint": tmp_path / "checkpoint", "checkpoint_seconds": 0.0}
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises(InterruptedTrainingError):
        fit(training, examples=examples, callback=InterruptingAtStep(5), **checkpoint)
    for changed, key in (
        (dataclasses.replace(examples, soft=_shares(examples.labels, seed=9)), "soft_labels"),
        (dataclasses.replace(examples, soft=None), "soft_labels"),
        (dataclasses.replace(examples, weights=examples.weights[::-1].copy()), "case_weights"),
    ):
        message = (
            f"{tmp_path / 'checkpoint/training.npz'}: belongs to a different training run: {key} differs. Use the same "
            "options, or remove the folder to start over."
        )
        with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
            fit(training, examples=changed, **checkpoint)
    resumed, _ = fit(training, examples=examples, **checkpoint)
    assert are_equal(whole.get_weights(), resumed.get_weights())
