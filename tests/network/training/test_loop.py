"""Training: the loss, the penalty, the options' effects, which weights are kept, and the same result every time."""

import dataclasses
import math
import re

import keras
import numpy as np
import pytest
import sklearn.metrics

from archnet.errors import RunError
from archnet.network.examples import Examples
from archnet.network.scaling import build_inference_model
from archnet.network.trained_model import load_model
from archnet.network.training.batches import EpochSamples, draw_epoch_order, epoch_samples, sample_weights
from archnet.network.training.history import check_history, should_stop
from archnet.network.training.optimization.optimizers import build_optimizer
from archnet.network.training.trainer import Trainer
from archnet.network.training.validation import validation_metrics
from archnet.spec.augmentations import Flip, RightAngles, RotatedCopies
from archnet.spec.experiment import EarlyStopping, Schedule
from archnet.spec.metrics import SELECTABLE_METRICS, is_lower_better
from metric_oracles import ORACLES
from plain_training import plain
from small_training import LIMITS, Silent, are_equal, bright_and_dark, fit, network_of, told_by


@pytest.mark.parametrize(
    ("activation", "rank"),
    [
        (None, 2),
        ("sigmoid", 3),
        *(
            pytest.param(*given, marks=pytest.mark.slow)
            for given in ((None, 3), ("softmax", 2), ("softmax", 3), ("sigmoid", 2))
        ),
    ],
)
def test_a_network_learns_and_the_saved_model_takes_hu_and_gives_probabilities(rank, activation, tmp_path):
    examples = bright_and_dark(rank=rank)
    network, history = fit(
        plain(epochs=30, batch_size=16, learning_rate=0.02), network_of(activation, rank=rank), examples
    )
    assert history[-1]["train_accuracy"] == history[-1]["train_recall"] == 1
    model = build_inference_model(network, LIMITS)
    model.save(tmp_path / "model.keras")
    told = told_by(load_model(tmp_path / "model.keras"), examples.images)
    assert np.allclose(told.sum(axis=1), 1, atol=1e-6)
    assert np.array_equal(told.argmax(axis=1), examples.labels)


def test_saved_probabilities_are_the_softmax_of_logits_on_scaled_images():
    network, images = network_of(), bright_and_dark().images
    logits = keras.ops.convert_to_numpy(network(np.clip((images + 1000) / 1400, 0, 1).astype(np.float32)))
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(told_by(build_inference_model(network, LIMITS), images), expected, atol=1e-6)


def test_a_single_logit_gives_both_probabilities():
    network, images = network_of("sigmoid"), bright_and_dark().images
    logit = keras.ops.convert_to_numpy(network(np.clip((images + 1000) / 1400, 0, 1).astype(np.float32)))
    second = 1 / (1 + np.exp(-logit))
    told = told_by(build_inference_model(network, LIMITS), images)
    assert np.allclose(told, np.concatenate([1 - second, second], axis=1), atol=1e-6)


def test_prediction_ignores_dropout():
    model = build_inference_model(network_of(drop_out=50), LIMITS)
    images = bright_and_dark().images
    assert np.array_equal(told_by(model, images), told_by(model, images))


@pytest.mark.slow
@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_the_told_loss_is_cross_entropy_and_half_the_squared_weights(l2):
    network, examples = network_of(), bright_and_dark(16)
    for layer in network.layers:
        if hasattr(layer, "bias"):
            layer.bias.assign(layer.bias + 0.5)
    told = told_by(build_inference_model(network, LIMITS), examples.images)
    expected = -np.log(told[np.arange(16), examples.labels]).mean()
    expected += l2 / 2 * sum(float(np.sum(np.square(weight))) for weight in network.get_weights())
    _, history = fit(plain(epochs=1, batch_size=16, l2=l2), network, examples)
    assert history[0]["train_loss"] == pytest.approx(expected, rel=1e-5)


def test_the_told_training_loss_is_the_mean_over_all_steps():
    examples = bright_and_dark(20)
    network = network_of()
    start = build_inference_model(network, LIMITS)
    told = told_by(start, examples.images)[np.arange(20), examples.labels]
    _, history = fit(plain(epochs=1, batch_size=6, learning_rate=1e-12), network, examples)
    assert history[0]["train_loss"] == pytest.approx(-np.log(told).mean(), rel=1e-5)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    training = plain(epochs=2, batch_size=16, augmentation=(RightAngles(), Flip()))
    first, again = (fit(training, network_of(drop_out=20, seed=3))[0].get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    other = fit(plain(epochs=2, batch_size=16, seed=1, augmentation=training.augmentation), network_of(seed=3))[0]
    assert not np.array_equal(first[0], other.get_weights()[0])


@pytest.mark.slow
def test_the_weights_of_the_best_validation_epoch_are_kept():
    validation = bright_and_dark(16)
    flipped = Examples(images=validation.images, rows=validation.rows, labels=1 - validation.labels)
    training = plain(epochs=6, batch_size=16, learning_rate=0.02)
    network, history = fit(training, validation=flipped)
    losses = [row["validation_loss"] for row in history]
    assert losses[0] == min(losses) < losses[-1]
    told = told_by(build_inference_model(network, LIMITS), flipped.images)[np.arange(16), flipped.labels]
    assert -np.log(told).mean() == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.slow
def test_without_a_best_metric_the_last_weights_are_kept():
    training = plain(epochs=3, batch_size=16, learning_rate=0.02, best_metric=None)
    network, history = fit(training, validation=bright_and_dark(16))
    told = told_by(build_inference_model(network, LIMITS), bright_and_dark(16).images)
    last = -np.log(told[np.arange(16), np.arange(16) % 2]).mean()
    assert last == pytest.approx(history[-1]["validation_loss"], rel=1e-4)


@pytest.mark.slow
def test_training_ends_when_the_watched_metric_has_not_improved_for_its_patience():
    stopping = EarlyStopping(metric="auc", patience=2)
    history = [{"validation_auc": value} for value in (0.6, 0.7, 0.7, float("nan"))]
    assert [should_stop(history[: n + 1], stopping) for n in range(4)] == [False, False, False, True]
    assert not should_stop(history, None)
    training = plain(
        epochs=50, batch_size=16, learning_rate=0.02, early_stopping=EarlyStopping(metric="accuracy", patience=3)
    )
    _, rows = fit(training, validation=bright_and_dark(16))
    assert len(rows) < 50


def test_a_loss_that_is_not_a_number_stops_the_run_with_its_cases_and_advice():
    training = plain(optimizer="sgd", learning_rate=1e30, batch_size=10, epochs=3)
    with pytest.raises(RunError) as caught:
        fit(training, examples=bright_and_dark(20), ids=np.array([f"case-{row}" for row in range(20)]))
    told = re.fullmatch(
        r"the loss is (?:nan|inf) in epoch \d at step \d: training has diverged\. The step's cases: ((?:case-\d+, ){7}case-\d+) "
        r"and 2 more\. Lower training\.learning_rate, or set training\.clip_norm to 1\.",
        str(caught.value),
    )
    assert len(set(told[1].split(", "))) == 8


def test_a_validation_loss_that_is_not_a_number_stops_the_run_after_its_epoch():
    message = (
        "the loss is nan on the validation set after epoch 1: training has diverged. Lower training.learning_rate, or "
        "set training.clip_norm to 1."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        fit(plain(optimizer="sgd", learning_rate=1e37, batch_size=64), validation=bright_and_dark(16))


def test_memory_that_runs_out_becomes_advice(monkeypatch):
    def exhausted(trainer, parts):
        raise keras_like_error("OOM when allocating tensor with shape[300,64,64,10,64]")

    keras_like_error = type("ResourceExhaustedError", (Exception,), {})
    monkeypatch.setattr(Trainer, "train_step", exhausted)
    message = (
        "out of memory with a micro-batch of 5 (batch size 16). Restart in a different folder with --memory, which "
        "limits micro-batches to 3 cases without changing the step, lower training.batch_size, or use a smaller "
        "network."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        fit(plain(batch_size=16), micro_batch=5)


def test_errors_of_other_kinds_pass(monkeypatch):
    monkeypatch.setattr(Trainer, "train_step", lambda trainer, parts: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fit(plain(batch_size=16))


@pytest.mark.slow
def test_images_may_be_of_any_type_and_memory_mapped(tmp_path):
    expected, _ = fit(plain(epochs=2, batch_size=16), examples=bright_and_dark(dtype=np.float32))
    examples = bright_and_dark()
    np.save(tmp_path / "images.npy", np.repeat(examples.images, 2, axis=0))
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    examples = dataclasses.replace(examples, images=mapped, rows=np.arange(0, 96, 2))
    network, _ = fit(plain(epochs=2, batch_size=16), examples=examples)
    rounded = dataclasses.replace(examples, images=bright_and_dark().images.astype(np.float64), rows=np.arange(48))
    again, _ = fit(plain(epochs=2, batch_size=16), examples=rounded)
    assert are_equal(network.get_weights(), again.get_weights())
    assert not are_equal(network.get_weights(), expected.get_weights())


@pytest.mark.slow
@pytest.mark.parametrize(
    "metric",
    [name if name in ("loss", "auc") else pytest.param(name, marks=pytest.mark.slow) for name in SELECTABLE_METRICS],
)
def test_any_metric_of_the_validation_set_may_stop_training(metric):
    training = plain(
        epochs=60, batch_size=16, learning_rate=0.05, early_stopping=EarlyStopping(metric=metric, patience=6)
    )
    validation = bright_and_dark(16)
    if is_lower_better(metric):
        validation = dataclasses.replace(validation, labels=1 - validation.labels)
    _, rows = fit(training, validation=validation)
    assert len(rows) < 60
    values = [row[f"validation_{metric}"] for row in rows]
    best = (min if is_lower_better(metric) else max)(value for value in values if not math.isnan(value))
    assert values.index(best) == len(rows) - 7


def test_the_metrics_of_the_validation_set_are_those_of_scikit_learn():
    generator = np.random.default_rng(0)
    scores, labels = generator.random(60), generator.integers(0, 2, 60)
    validation = Examples(images=np.zeros(60), rows=np.arange(60), labels=labels)
    told = validation_metrics(np.stack([1 - scores, scores], axis=1), validation, 1, plain())
    expected = {"loss": sklearn.metrics.log_loss(labels, scores)}
    expected |= {
        name: ORACLES[name](labels == 1, scores > 0.5, scores) for name in SELECTABLE_METRICS if name != "loss"
    }
    assert told == pytest.approx(expected)
    assert list(told) == list(SELECTABLE_METRICS)


class LastLogs(Silent):
    def on_step(self, epoch, step, num_steps, logs):
        self.logs = logs


def of_three_classes():
    """Images whose class is their brightness; the second is rare."""
    labels = np.repeat([0, 1, 2], [24, 6, 18])
    images = np.random.default_rng(0).normal(-700, 80, (48, 8, 8, 1)) + 250 * labels.reshape(-1, 1, 1, 1)
    return Examples(images=images.astype(np.int16), rows=np.arange(48), labels=labels)


@pytest.mark.slow
def test_of_three_classes_the_macro_means_choose_the_weights_and_each_class_has_its_columns():
    classes = ("air", "ground glass", "solid")
    training = plain(epochs=4, batch_size=16, learning_rate=0.05, best_metric="recall")
    examples = of_three_classes()
    logs = LastLogs()
    network, rows = fit(training, network_of(num_classes=3), examples, examples, callback=logs, classes=classes)
    assert list(rows[0]) == [
        "epoch", "seconds", "cases", "learning_rate", "train_loss", "train_accuracy", "train_macro_recall",
        "train_recall.air", "train_recall.ground glass", "train_recall.solid", "validation_loss", "validation_accuracy",
        "validation_macro_recall", "validation_recall.air", "validation_recall.ground glass", "validation_recall.solid",
        "validation_mcc", "validation_macro_auc", "validation_auc.air", "validation_auc.ground glass",
        "validation_auc.solid", "validation_macro_average_precision", "validation_average_precision.air",
        "validation_average_precision.ground glass", "validation_average_precision.solid",
    ]  # fmt: skip
    assert list(logs.logs) == ["loss", "accuracy", "macro_recall"]
    probabilities = told_by(build_inference_model(network, LIMITS), examples.images)
    kept = sklearn.metrics.recall_score(examples.labels, probabilities.argmax(axis=1), average="macro")
    assert kept == pytest.approx(max(row["validation_macro_recall"] for row in rows))
    assert kept > rows[0]["validation_macro_recall"]


def test_of_three_classes_training_stops_by_the_macro_mean():
    stopping = EarlyStopping(metric="recall", patience=2)
    falling = [{"validation_macro_recall": value, "validation_recall.a": 1 - value} for value in (0.9, 0.8, 0.7)]
    assert should_stop(falling, stopping)
    assert not should_stop(falling[::-1], stopping)


def test_a_training_of_three_classes_that_an_earlier_version_chose_by_one_class_is_not_resumed():
    old_rows = [{"train_recall": 0.5, "validation_recall": 0.5, "validation_auc": 0.7, "validation_loss": 1.0}]
    stopping = EarlyStopping(metric="auc", patience=2)
    with pytest.raises(RunError) as caught:
        check_history(old_rows, plain(best_metric="loss", early_stopping=stopping), 3)
    assert str(caught.value) == (
        "this training began with an earlier version of archnet, which used the auc of one class. With 3 classes, "
        "the macro AUC is used now, so the training cannot be resumed. Remove the run folder to start over."
    )
    check_history(old_rows, plain(best_metric="loss"), 3)
    check_history(old_rows, plain(best_metric="recall"), 2)
    check_history([], plain(best_metric="recall"), 3)


def test_every_epoch_has_its_own_order_of_all_entries():
    entries = EpochSamples(rows=np.arange(10), turns=np.zeros(10, np.float32), labels=np.arange(10) % 2)
    first, second = (draw_epoch_order(entries, plain(seed=5), epoch) for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first.tolist() != second.tolist()


def test_oversampling_draws_the_classes_alike_and_every_case():
    labels = np.array([0] * 9 + [1] * 3)
    entries = EpochSamples(rows=np.arange(12), turns=np.zeros(12, np.float32), labels=labels)
    order = draw_epoch_order(entries, plain(balance="oversample"), 0)
    assert np.bincount(labels[order]).tolist() == [6, 6]
    assert np.bincount(order[labels[order] == 1], minlength=12)[9:].tolist() == [2, 2, 2]


def test_a_ratio_lifts_rare_classes_and_leaves_the_others():
    labels = np.array([0] * 60 + [1] * 6 + [2] * 34)
    entries = EpochSamples(rows=np.arange(100), turns=np.zeros(100, np.float32), labels=labels)
    order = draw_epoch_order(entries, plain(balance=2), 0)
    assert np.bincount(labels[order]).tolist() == [49, 25, 28]  # 60, 30 and 34 of 124
    enough = EpochSamples(rows=np.arange(60), turns=np.zeros(60, np.float32), labels=np.repeat([0, 1], [40, 20]))
    assert sorted(draw_epoch_order(enough, plain(balance=2), 0)) == list(range(60))


def test_weights_let_classes_count_alike():
    labels = np.array([0] * 9 + [1] * 3)
    entries = EpochSamples(rows=np.arange(12), turns=np.zeros(12, np.float32), labels=labels)
    weights = sample_weights(entries, plain(balance="weights"))
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 1].sum())
    assert weights.mean() == pytest.approx(1)


def test_rotated_copies_grow_the_training_set():
    entries = epoch_samples(bright_and_dark(10), plain(augmentation=(RotatedCopies(),)), positive=1)
    assert np.bincount(entries.labels).tolist() == [5, 20]


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_each_optimizer_takes_its_options(name):
    made = build_optimizer(plain(optimizer=name, weight_decay=0.1, clip_norm=2.0, momentum=0.5), 10)
    assert type(made).__name__.lower() == name
    assert (made.weight_decay, made.global_clipnorm) == (0.1, 2.0)
    assert getattr(made, "momentum", 0.5) == 0.5


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
@pytest.mark.parametrize("schedule", ["constant", "exponential", "cosine"])
def test_options_may_be_integers_as_read_from_json(name, schedule):
    schedule = Schedule(type=schedule, decay_rate=1)
    training = plain(optimizer=name, learning_rate=1, momentum=0, weight_decay=0, clip_norm=1, schedule=schedule)
    assert float(build_optimizer(training, 10).learning_rate) == 1


def test_schedules_are_those_of_their_formulas():
    def rates(schedule, steps):
        made = build_optimizer(plain(learning_rate=0.1, schedule=schedule, epochs=10), 10)
        if not isinstance(made._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            return [float(made.learning_rate)] * len(steps)
        return [float(made._learning_rate(step)) for step in steps]

    assert rates(Schedule(type="constant"), [0, 50]) == pytest.approx([0.1, 0.1])
    staircase = Schedule(type="exponential", decay_rate=0.96, decay_steps=30, staircase=True)
    assert rates(staircase, [29, 30, 61]) == pytest.approx([0.1, 0.096, 0.1 * 0.96**2])
    assert rates(Schedule(type="cosine"), [0, 50, 100]) == pytest.approx(
        [0.1, 0.05 * (1 + math.cos(math.pi / 2)), 0], abs=1e-7
    )
