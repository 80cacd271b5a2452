"""Mixup: the partners and shares of an epoch, mixed images and labels, and the loss that follows."""

import dataclasses

import keras
import numpy as np
import pytest

from archnet.network.examples import UNLABELLED, Examples
from archnet.network.random_numbers import Stream, epoch_generator
from archnet.network.training.batches import TrainingBatches, epoch_samples
from archnet.network.training.mixup import EpochMix, draw_mix, mix_images, mix_labels
from archnet.network.training.objective import Objective
from archnet.network.training.trainer import _pad
from archnet.spec.augmentations import Flip, RotatedCopies
from archnet.spec.experiment import Mixup
from plain_training import plain
from small_training import LIMITS, bright_and_dark, network_of


def _batches(training, examples, micro_batch=None, num_classes=2):
    samples = epoch_samples(examples, training, positive=1)
    return TrainingBatches(
        examples=examples, samples=samples, training=training, num_classes=num_classes, micro_batch=micro_batch
    )


def _epoch(training, examples, micro_batch=None, epoch=0):
    """The arrays of an epoch, in its order; weights as in the epoch instead of the batch."""
    batches = list(_batches(training, examples, micro_batch).epoch_batches(epoch))
    parts = [
        {**part, "weights": part["weights"] * len(batch.rows)} for batch in batches for part in batch.micro_batches
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def test_images_and_labels_of_two_cases_are_mixed_in_the_same_shares():
    images = np.array([0.0, 1.0, 0.5], np.float32).reshape(3, 1, 1, 1)
    shares = np.array([0.25, 0.5, 0.0], np.float32)
    mixed = keras.ops.convert_to_numpy(mix_images(images, images[[1, 2, 0]], shares))
    assert mixed.ravel().tolist() == [0.25, 0.75, 0.5]
    mix = EpochMix(partners=np.array([1, 2, 0]), shares=shares)
    labels = mix_labels(mix, np.ones(3, np.float32), np.array([[1, 0], [0, 1], [0.5, 0.5]], np.float32))
    assert labels["soft"].tolist() == [[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]]
    assert labels["weights"].tolist() == [1, 1, 1]


def test_a_weight_belongs_to_the_label_of_its_case():
    """3 x 3/4 parts of the first label and 1 x 1/4 of the second."""
    mix = EpochMix(partners=np.array([1, 0]), shares=np.array([0.25, 0.25], np.float32))
    labels = mix_labels(mix, np.array([3, 1], np.float32), np.eye(2, dtype=np.float32))
    assert labels["weights"].tolist() == [2.5, 1.5]
    np.testing.assert_allclose(labels["soft"] * labels["weights"][:, None], [[2.25, 0.25], [0.75, 0.75]], rtol=1e-6)


@pytest.mark.parametrize(("alpha", "mean"), [(0.2, 0.1012), (1.0, 0.25), (50.0, 0.46)])
def test_shares_are_the_smaller_side_of_the_beta_distribution(alpha, mean):
    """The means of min(x, 1 - x) are those of the integral of the density."""
    shares = draw_mix(np.zeros(20000, np.int64), Mixup(alpha=alpha), seed=3, epoch=2).shares
    assert shares.min() >= 0
    assert shares.max() <= 0.5
    assert shares.mean(dtype=np.float64) == pytest.approx(mean, abs=0.004)


def test_every_sample_is_the_partner_of_one_and_epochs_differ():
    labels = np.array([0, 1, 0, 1, 0, UNLABELLED, 0, UNLABELLED])
    mixes = [draw_mix(labels, Mixup(), seed=1, epoch=epoch) for epoch in (0, 0, 1)]
    assert all(sorted(mix.partners) == list(range(8)) for mix in mixes)
    assert np.array_equal(mixes[0].partners, mixes[1].partners)
    assert np.array_equal(mixes[0].shares, mixes[1].shares)
    assert not np.array_equal(mixes[0].shares, mixes[2].shares)
    within = draw_mix(labels, Mixup(within_class=True), seed=1, epoch=0)
    assert sorted(within.partners) == list(range(8))
    assert np.array_equal(labels[within.partners], labels)
    assert np.array_equal(within.shares, mixes[0].shares)


def test_a_batch_has_the_partners_and_the_mixed_labels_of_its_samples():
    examples = bright_and_dark(22)
    training = plain(batch_size=5, mixup=Mixup(alpha=1), augmentation=(RotatedCopies(),), balance="oversample")
    arrays = _epoch(training, examples, epoch=1)
    first, second = (_cases_of(arrays[name], examples) for name in ("images", "partners"))
    assert np.array_equal(examples.labels[first], arrays["labels"])
    assert sorted(first) == sorted(second)
    assert len(np.unique(np.bincount(arrays["labels"]))) == 1
    assert arrays["images"].dtype == arrays["partners"].dtype == np.int16
    one_hot, share = np.eye(2)[examples.labels], arrays["shares"][:, None]
    np.testing.assert_allclose(arrays["soft"], (1 - share) * one_hot[first] + share * one_hot[second], atol=1e-6)
    assert arrays["soft"][np.arange(len(first)), arrays["labels"]].min() >= 0.5


def _cases_of(images, examples):
    """The case of each image."""
    numbers = {image.tobytes(): number for number, image in enumerate(examples.images)}
    return np.array([numbers[image.tobytes()] for image in images])


def test_the_mix_of_a_sample_depends_neither_on_batches_nor_on_micro_batches():
    examples = bright_and_dark(23)
    training = plain(batch_size=23, mixup=Mixup(), augmentation=(Flip(),), balance="weights")
    whole = _epoch(training, examples)
    for batch_size, micro_batch in ((23, 4), (7, None), (7, 3)):
        parts = _epoch(dataclasses.replace(training, batch_size=batch_size), examples, micro_batch)
        assert set(parts) == set(whole)
        for name, array in whole.items():
            np.testing.assert_allclose(parts[name], array, rtol=1e-6, err_msg=name)


def test_mixup_changes_nothing_else_of_the_batches():
    examples, training = bright_and_dark(23), plain(batch_size=7, augmentation=(Flip(),), balance="oversample")
    without, mixed = _epoch(training, examples), _epoch(dataclasses.replace(training, mixup=Mixup()), examples)
    assert set(mixed) - set(without) == {"partners", "shares", "soft"}
    assert all(np.array_equal(mixed[name], array) for name, array in without.items())
    for stream in set(Stream) - {Stream.MIXUP}:
        draws = epoch_generator(stream, training.seed, 0).beta(0.2, 0.2, len(mixed["shares"]))
        assert not np.allclose(np.minimum(draws, 1 - draws), mixed["shares"]), stream


def test_cases_within_a_class_keep_their_labels():
    examples = bright_and_dark(24)
    arrays = _epoch(plain(batch_size=24, mixup=Mixup(within_class=True), balance="weights"), examples)
    assert np.array_equal(arrays["soft"], np.eye(2)[arrays["labels"]])
    assert not np.array_equal(arrays["images"], arrays["partners"])


def test_cases_that_have_only_a_soft_label_are_mixed_by_it():
    labels = np.array([0, 1, UNLABELLED, UNLABELLED])
    soft = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.5, 0.5]], np.float32)
    images = np.arange(4, dtype=np.int16).reshape(4, 1, 1, 1)
    examples = Examples(images=images, rows=np.arange(4), labels=labels, soft=soft)
    for within_class in (False, True):
        arrays = _epoch(plain(batch_size=4, mixup=Mixup(alpha=5, within_class=within_class)), examples)
        first, second, share = arrays["images"].ravel(), arrays["partners"].ravel(), arrays["shares"][:, None]
        np.testing.assert_allclose(arrays["soft"], (1 - share) * soft[first] + share * soft[second], atol=1e-6)
        assert np.array_equal(arrays["labels"], labels[first])
        assert not within_class or np.array_equal(labels[first], labels[second])


@pytest.mark.parametrize("options", [{"label_smoothing": 0.2}, {"loss": "focal", "focal_gamma": 1.5}])
def test_the_loss_is_the_mean_of_the_weighted_losses_of_both_labels(options):
    """On images outside the window too, whose scaled values are mixed."""
    examples = bright_and_dark(12)
    examples = dataclasses.replace(
        examples,
        images=examples.images * np.int16(3),
        weights=np.random.default_rng(1).uniform(0.2, 3, 12).astype(np.float32),
    )
    training = plain(batch_size=12, mixup=Mixup(alpha=2), balance="weights", **options)
    objective = Objective(network_of(), LIMITS, training)
    ((batch,),) = (each.micro_batches for each in _batches(training, examples).epoch_batches(0))
    (loss, counts), _ = objective.gradients(batch)
    first, second = (_cases_of(batch[name], examples) for name in ("images", "partners"))
    scaled, share = np.clip((examples.images + 1000.0) / 1400, 0, 1), batch["shares"]
    column = share.reshape(-1, 1, 1, 1)
    logits = objective.twin((1 - column) * scaled[first] + column * scaled[second])
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    target = np.eye(2) * (1 - training.label_smoothing) + training.label_smoothing / 2
    focus = (1 - probabilities) ** training.focal_gamma if training.loss == "focal" else 1
    losses = -focus * np.log(probabilities)
    weights = examples.weights.astype(np.float64)
    for label in (0, 1):
        weights[examples.labels == label] *= 6 / weights[examples.labels == label].sum()
    own, other = (weights[rows] * (losses * target[examples.labels[rows]]).sum(axis=1) for rows in (first, second))
    assert float(loss) == pytest.approx(((1 - share) * own + share * other).mean(), rel=1e-5)
    assert keras.ops.convert_to_numpy(counts).sum(axis=1).tolist() == [6, 6]


def test_a_padded_batch_repeats_its_partners():
    arrays = {
        "labels": np.array([1]),
        "weights": np.array([0.5]),
        "shares": np.array([0.3]),
        "partners": np.ones((1, 2)),
    }
    padded = _pad(arrays, 3)
    assert padded["shares"].tolist() == [0.3] * 3
    assert padded["partners"].shape == (3, 2)
