"""The step: micro-batches, averages, penalties, losses and precisions, each by its effect."""

import dataclasses

import keras
import numpy as np
import pytest

from archnet.network.scaling import build_inference_model
from archnet.network.training.batches import TrainingBatches, epoch_samples
from archnet.network.training.losses import case_losses, penalized_weights
from archnet.network.training.optimization.optimizers import LossScale, WeightAverage
from archnet.network.training.optimization.update import WeightUpdate
from archnet.network.training.trainer import Trainer, read_outputs
from archnet.spec.augmentations import Flip, RightAngles
from long_tests import long_except
from plain_training import plain
from small_training import LIMITS, are_equal, bright_and_dark, deep_network, fit, network_of, told_by


def batches_of(training, examples=None, micro_batch=None):
    examples = examples or bright_and_dark()
    entries = epoch_samples(examples, training, positive=1)
    return TrainingBatches(
        examples=examples, samples=entries, training=training, num_classes=2, micro_batch=micro_batch
    )


@pytest.mark.slow
@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("balance", long_except({"weights"}, ["none", "weights"]))
def test_micro_batches_do_not_change_the_weights(rank, balance):
    training = plain(
        optimizer="sgd", momentum=0.9, learning_rate=0.05, epochs=2, batch_size=16, l2=0.01, clip_norm=0.3,
        balance=balance, augmentation=(RightAngles(), Flip()), ema=0.9, label_smoothing=0.1,
    )  # fmt: skip
    examples = bright_and_dark(43, rank)
    whole, rows = fit(training, deep_network(rank), examples)
    parts, other_rows = fit(training, deep_network(rank), examples, micro_batch=5)
    for weight, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        assert np.abs(weight - other).max() < 1e-5
    for row, other in zip(rows, other_rows, strict=True):
        assert row["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)
        assert row["train_accuracy"] == other["train_accuracy"]
    assert not np.allclose(whole.get_weights()[0], deep_network(rank).get_weights()[0], atol=1e-3)


def test_a_step_is_cut_into_parts_that_share_its_weight():
    batches = list(batches_of(plain(batch_size=10), bright_and_dark(25), micro_batch=4).epoch_batches(0))
    assert [[len(part["labels"]) for part in batch.micro_batches] for batch in batches] == [
        [4, 4, 2],
        [4, 4, 2],
        [4, 1],
    ]
    assert [sum(part["weights"].sum() for part in batch.micro_batches) for batch in batches] == pytest.approx([1, 1, 1])
    assert np.array_equal(np.sort(np.concatenate([batch.rows for batch in batches])), np.arange(25))
    assert batches[0].micro_batches[0]["images"].dtype == np.int16


def test_what_is_left_of_an_epoch_is_the_same_as_in_one_go():
    batches = batches_of(plain(batch_size=10, augmentation=(Flip(),), balance="oversample"), bright_and_dark(25))
    last, (again,) = list(batches.epoch_batches(3))[-1], list(batches.epoch_batches(3, num_skipped=2))
    assert again.number == last.number == 3
    for name, array in last.micro_batches[0].items():
        assert np.array_equal(again.micro_batches[0][name], array), name


@pytest.mark.slow
def test_the_penalty_is_the_gradient_of_half_the_squared_weights():
    """With a learning rate of 1, SGD takes the whole penalty gradient λ·w away, from kernels and biases alone."""
    without_l2, penalised_too = (
        fit(plain(optimizer="sgd", learning_rate=1.0, epochs=1, batch_size=64, l2=l2), deep_network(drop_out=0, batch_norm=True))[0]
        for l2 in (0.0, 0.25)
    )  # fmt: skip
    start = deep_network(drop_out=0, batch_norm=True)
    concerned = {weight.path for weight in penalized_weights(start)}
    for weight, with_l2, without in zip(
        start.weights, penalised_too.get_weights(), without_l2.get_weights(), strict=True
    ):
        factor = 0.25 if weight.path in concerned else 0
        assert np.allclose(without - with_l2, factor * keras.ops.convert_to_numpy(weight), atol=1e-6), weight.path
    assert len(concerned) == 6


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_the_losses_are_those_of_keras(smoothing, gamma):
    logits = np.array([[1.0, -1.0, 0.3], [0.5, 2.0, -4.0]], np.float32)
    labels = np.array([0, 2])
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    target = np.eye(3, dtype=np.float32)[labels]
    focal = keras.losses.CategoricalFocalCrossentropy(
        alpha=1.0, gamma=gamma, label_smoothing=smoothing, reduction="none"
    )
    entropy = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing, reduction="none")
    options = plain(loss="focal", focal_gamma=gamma, label_smoothing=smoothing)
    assert np.allclose(case_losses(logits, target, options), focal(target, probabilities), rtol=1e-4)
    options = dataclasses.replace(options, loss="cross_entropy")
    assert np.allclose(case_losses(logits, target, options), entropy(target, probabilities), rtol=1e-4)


@pytest.mark.slow
def test_the_focal_loss_lets_well_classified_cases_count_less():
    entropy, focal = (
        fit(plain(epochs=4, batch_size=16, loss=loss), validation=bright_and_dark(16))[1]
        for loss in ("cross_entropy", "focal")
    )
    assert focal[-1]["train_loss"] < 0.5 * entropy[-1]["train_loss"]
    assert focal[-1]["validation_loss"] < 0.5 * entropy[-1]["validation_loss"]


def test_the_average_follows_its_formula():
    weight = keras.Variable(np.array([1.0, 2.0], np.float32))
    average, expected = WeightAverage([weight], 0.5), np.array([1.0, 2.0])
    for step in range(1, 30):
        weight.assign([float(step), -float(step)])
        average.update()
        decay = min(0.5, step / (step + 9))
        expected = decay * expected + (1 - decay) * np.array([step, -step])
        assert np.allclose(average.values[0], expected)


@pytest.mark.slow
def test_validation_and_the_final_weights_are_the_averages():
    training = plain(optimizer="sgd", learning_rate=0.05, epochs=3, batch_size=16, best_metric=None)
    last_ones, rows = fit(training, validation=bright_and_dark(16))
    training = dataclasses.replace(training, ema=0.9)
    averaged, averaged_rows = fit(training, validation=bright_and_dark(16))
    assert [row["train_loss"] for row in rows] == [row["train_loss"] for row in averaged_rows]
    trainer, batches = Trainer(network_of(), LIMITS, training, 3), batches_of(training)
    expected, num_steps = network_of().get_weights(), 0
    for epoch in range(3):
        for batch in batches.epoch_batches(epoch):
            trainer.train_step(batch.micro_batches)
            num_steps += 1
            decay = min(0.9, num_steps / (num_steps + 9))
            pairs = zip(expected, trainer.twin.get_weights(), strict=True)
            expected = [decay * average + (1 - decay) * weight for average, weight in pairs]
    for weight, average, last in zip(averaged.get_weights(), expected, last_ones.get_weights(), strict=True):
        assert np.allclose(weight, average, atol=1e-6)
        assert not np.allclose(weight, last, atol=1e-6)
    told = told_by(build_inference_model(averaged, LIMITS), bright_and_dark(16).images)
    loss = -np.log(told[np.arange(16), np.arange(16) % 2]).mean()
    assert averaged_rows[-1]["validation_loss"] == pytest.approx(loss, rel=1e-5)


def test_warm_up_grows_to_the_schedule():
    training = plain(optimizer="sgd", learning_rate=0.1, epochs=5, batch_size=16, warmup_epochs=2)
    rates = [row["learning_rate"] for row in fit(training)[1]]
    assert rates == pytest.approx([0.1 * 4 / 7, 0.1, 0.1, 0.1, 0.1])


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", pytest.param("float16", marks=pytest.mark.slow)])
def test_half_precisions_learn_and_keep_float32_weights(precision):
    training = plain(epochs=20, batch_size=16, learning_rate=0.02, precision=precision)
    network, rows = fit(training, network_of())
    assert rows[-1]["train_accuracy"] == 1
    full, _ = fit(dataclasses.replace(training, precision="float32"), network_of())
    assert all(weight.dtype == np.float32 for weight in network.get_weights())
    assert not are_equal(network.get_weights(), full.get_weights())
    trainer = Trainer(network, LIMITS, training, 1)
    policies = [layer.compute_dtype for layer in trainer.twin.layers]
    assert policies[1:-1] == [precision] * (len(policies) - 2)
    assert policies[-1] == "float32"


@pytest.mark.slow
def test_a_float16_step_that_overflows_is_left_out_and_halves_the_scale():
    training = plain(precision="float16", batch_size=16, ema=0.9)
    trainer = Trainer(network_of(), LIMITS, training, 3)
    trainer.objective.loss_scale.factor.assign(2.0**40)
    before = [keras.ops.convert_to_numpy(variable) for variable in trainer.state]
    batch = next(batches_of(training).epoch_batches(0))
    loss, _ = read_outputs(trainer.train_step(batch.micro_batches))
    after = [keras.ops.convert_to_numpy(variable) for variable in trainer.state]
    assert np.isfinite(loss)
    assert are_equal(before[:-2], after[:-2])
    assert after[-2] == 2.0**39
    for _ in range(40):
        trainer.train_step(batch.micro_batches)
    assert 1 < float(trainer.objective.loss_scale.factor.value) < 2.0**39
    assert not are_equal(before[:1], [keras.ops.convert_to_numpy(trainer.state[0])])


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_one_overflow_in_one_gradient_leaves_out_the_whole_step(value):
    network, scale = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]), LossScale()
    update = WeightUpdate(network, plain(ema=0.9), 3, None, scale)
    before = [keras.ops.convert_to_numpy(variable) for variable in (*update.weights, *update.variables)]
    kernel, bias = np.full((2, 2), 2.0**15, np.float32), np.full(2, 2.0**15, np.float32)
    kernel[1, 0] = value
    update.apply([keras.ops.convert_to_tensor(kernel), keras.ops.convert_to_tensor(bias)])
    after = [keras.ops.convert_to_numpy(variable) for variable in (*update.weights, *update.variables)]
    assert are_equal(before[:-2], after[:-2])
    assert after[-2:] == [2.0**14, 0]
    kernel[1, 0] = 0
    update.apply([keras.ops.convert_to_tensor(kernel), keras.ops.convert_to_tensor(bias)])
    changed = keras.ops.convert_to_numpy(update.weights[0]) != before[0]
    assert changed.tolist() == [[True, True], [False, True]]


def test_the_loss_scale_doubles_after_many_good_steps():
    scale = LossScale()
    scale.good_steps.assign(1998)
    factors = []
    for is_finite in (True, True, True, False):
        scale.update(is_finite)
        factors.append(float(scale.factor.value))
    assert factors == [2.0**15, 2.0**16, 2.0**16, 2.0**15]
