"""Frozen layers: neither gradients nor penalties nor statistics change them until they are thawed."""

import keras
import numpy as np
import pytest

from archnet.network.training.setup import Execution, TrainingData, set_up_training
from archnet.spec.experiment import ALL, Freeze
from plain_training import plain
from small_training import LIMITS, CopyingCheckpoint, are_equal, bright_and_dark, built, fit

LAYERS = [
    {"type": "C", "num_output": 4, "kernel_size": [3, 3], "activation": "relu", "norm": "batch", "drop_out": 20},
    {"type": "P", "pool": "max", "kernel_size": [2, 2]},
    {"type": "C", "num_output": 4, "kernel_size": [3, 3], "activation": "relu", "norm": "batch"},
    {"type": "GAP"},
    {"type": "T"},
]


def network_of(seed=0):
    return built(LAYERS, 2, 2, seed)


def weights_by_layer(network):
    """By layer of the architecture, its weights."""
    groups = [
        [weight for layer in network.layers if layer.name in names for weight in layer.get_weights()]
        for names in network.layer_names
    ]
    return {index: weights for index, weights in enumerate(groups) if weights}


def changed_layers(training):
    before = weights_by_layer(network_of())
    network, _ = fit(training, network_of())
    after = weights_by_layer(network)
    return {index for index in before if not are_equal(before[index], after[index])}


OPTIONS = {"epochs": 2, "batch_size": 16, "best_metric": None}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layers", "changed"), [(ALL, {4}), ((0,), {2, 4}), ((2,), {0, 4}), ((0, 2), {4}), ((1, 3), {0, 2, 4})]
)
def test_only_weights_and_statistics_of_frozen_layers_keep_their_values(layers, changed):
    assert changed_layers(plain(**OPTIONS, freeze=Freeze(layers=layers))) == changed


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "adamw", "weight_decay": 0.5},
        {"l2": 0.5},
        {"ema": 0.9},
        {"clip_norm": 0.1},
        {"optimizer": "sgd", "momentum": 0.9},
        {"precision": "float16"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_no_option_of_the_training_changes_a_frozen_layer(options):
    assert changed_layers(plain(**OPTIONS, **options, freeze=Freeze())) == {4}


@pytest.mark.slow
def test_frozen_layers_are_thawed_after_their_epochs():
    assert changed_layers(plain(**OPTIONS, freeze=Freeze(epochs=2))) == {4}
    assert changed_layers(plain(**OPTIONS, freeze=Freeze(epochs=1))) == {0, 2, 4}


@pytest.mark.slow
def test_the_penalty_leaves_frozen_layers_out():
    examples = bright_and_dark(16)
    network = network_of()
    terminal = network.layers[-1].get_weights()
    options = {"epochs": 1, "batch_size": 16, "freeze": Freeze()}
    losses = [fit(plain(**options, l2=l2), network_of(), examples)[1][0]["train_loss"] for l2 in (0.0, 0.2)]
    expected = 0.1 * sum(float(np.square(weight).sum()) for weight in terminal)
    assert losses[1] - losses[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_a_frozen_batch_norm_uses_its_moving_statistics():
    """With the statistics of the batch, shifting them would not change the loss of the first step."""
    losses = []
    for shift in (0, 5):
        network = network_of()
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.moving_mean.assign(layer.moving_mean + shift)
        losses.append(fit(plain(epochs=1, batch_size=48, freeze=Freeze()), network)[1][0]["train_loss"])
    assert losses[0] != losses[1]


def trainer_of(training):
    data = TrainingData(limits=LIMITS, examples=bright_and_dark())
    return set_up_training(network_of(), data, training, Execution()).trainer


@pytest.mark.slow
def test_the_optimizer_keeps_no_moments_of_frozen_layers():
    trainer = trainer_of(plain(freeze=Freeze()))
    batch = {
        "images": bright_and_dark().images[:8],
        "labels": np.zeros(8, np.int32),
        "weights": np.full(8, 1 / 8, np.float32),
        "uniforms": np.zeros((8, 0), np.float32),
        "keys": np.zeros(8, np.uint32),
    }
    trainer.train_step([batch])
    moments = trainer.update.optimizer.variables[2:]
    is_moved = [bool(np.any(np.asarray(moment))) for moment in moments]
    assert sum(is_moved) == 2 * 2
    assert all(is_moved[-4:])


@pytest.mark.slow
def test_micro_batches_equal_the_whole_batch_while_layers_are_frozen_and_after():
    training = plain(epochs=3, batch_size=16, best_metric=None, freeze=Freeze(epochs=1))
    whole, _ = fit(training, network_of_no_norm())
    parts, _ = fit(training, network_of_no_norm(), micro_batch=5)
    for one, two in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-5)


def network_of_no_norm():
    return built([{key: value for key, value in layer.items() if key != "norm"} for layer in LAYERS], 2, 2, 0)


@pytest.mark.long
def test_a_training_that_is_resumed_before_or_after_the_thaw_ends_with_the_same_bits(tmp_path):
    """At steps in the second epoch, which is frozen, at its end, and in the third epoch, which is not."""
    training = plain(epochs=4, batch_size=16, best_metric="loss", ema=0.9, l2=0.01, freeze=Freeze(epochs=2))
    copies = {step: tmp_path / str(step) for step in (5, 6, 8)}
    (tmp_path / "whole").mkdir()
    execution = {"validation": bright_and_dark(16), "checkpoint_seconds": 0.0}
    copying = CopyingCheckpoint(tmp_path / "whole", copies)
    whole, history = fit(training, network_of(), callback=copying, checkpoint=tmp_path / "whole", **execution)
    for checkpoint in copies.values():
        resumed, resumed_history = fit(training, network_of(seed=9), checkpoint=checkpoint, **execution)
        assert are_equal(whole.get_weights(), resumed.get_weights())
        for row in (*history, *resumed_history):
            row.pop("seconds", None)
        np.testing.assert_equal(resumed_history, history)


@pytest.mark.slow
def test_what_is_saved_can_be_trained_again():
    network, _ = fit(plain(**OPTIONS, freeze=Freeze()), network_of())
    assert all(layer.trainable for layer in network.layers)
