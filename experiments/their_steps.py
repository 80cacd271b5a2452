"""Reference training steps for `bench_train.py`, implemented from their descriptions."""

from collections.abc import Callable

import keras
import numpy as np
from scipy import ndimage

ANGLES = (-20, -10, -5, 5, 10, 20)
LOW, HIGH = -1000, 400
PUBLISHED_L2 = 1e-3
PUBLISHED_BATCH = 32

Step = Callable[[], object]


def tutorial_network() -> keras.Model:
    layers = [keras.Input((128, 128, 64, 1))]
    for filters in (64, 64, 128, 256):
        layers += [
            keras.layers.Conv3D(filters, 3, activation="relu"),
            keras.layers.MaxPool3D(2),
            keras.layers.BatchNormalization(),
        ]
    layers += [
        keras.layers.GlobalAveragePooling3D(),
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
    return keras.Sequential(layers)


def tutorial_step(is_eager: bool) -> Step:
    """One step as in the tutorial: rotate both cases by SciPy, then run the network, eagerly or as a graph."""
    network = tutorial_network()
    rates = keras.optimizers.schedules.ExponentialDecay(1e-4, 100_000, 0.96, staircase=True)
    network.compile("adam", "binary_crossentropy", metrics=["acc"], run_eagerly=is_eager)
    network.optimizer.learning_rate = rates(0)
    generator = np.random.default_rng(0)
    volumes, labels = generator.random((2, 128, 128, 64), np.float32), np.array([[0], [1]], np.float32)

    def step() -> None:
        turned = [ndimage.rotate(volume, generator.choice(ANGLES), reshape=False) for volume in volumes]
        network.train_on_batch(np.clip(turned, 0, 1)[..., np.newaxis], labels)

    return step


def published_network() -> keras.Model:
    """The published 3D network of small width, including its penalty on weights and biases."""
    half = keras.regularizers.L2(PUBLISHED_L2 / 2)
    l2 = {"kernel_regularizer": half, "bias_regularizer": half}
    relu = {"activation": "relu", **l2}
    conv = {"padding": "same", **relu}
    layers = [
        keras.Input((64, 64, 10, 1)),
        keras.layers.Conv3D(16, 3, **conv),
        keras.layers.Dropout(0.083),
        keras.layers.MaxPool3D(2, padding="same"),
        keras.layers.Dropout(0.167),
        keras.layers.Conv3D(32, 3, **conv),
        keras.layers.Conv3D(16, (5, 5, 1), **conv),
        keras.layers.Dropout(0.167),
        keras.layers.MaxPool3D((5, 5, 2), 3, padding="same"),
        keras.layers.Conv3D(32, 3, **conv),
        keras.layers.Flatten(),
        keras.layers.Dense(20, **relu),
        keras.layers.Dropout(0.083),
        keras.layers.Dense(10, **relu),
        keras.layers.Dense(2, **l2),
    ]
    return keras.Sequential(layers)


def published_step() -> Step:
    """One step as published: scale the cases of a batch one by one in Python, and feed them as a NumPy array."""
    network = published_network()
    network.compile(keras.optimizers.Adam(1e-3), keras.losses.CategoricalCrossentropy(from_logits=True))
    generator = np.random.default_rng(0)
    crops = generator.integers(LOW, HIGH, (4 * PUBLISHED_BATCH, 64, 64, 10), np.int16)

    def step() -> None:
        chosen = generator.permutation(len(crops))[:PUBLISHED_BATCH]
        batch = [np.clip((crops[row].astype(np.float64) - LOW) / (HIGH - LOW), 0, 1) for row in chosen]
        network.train_on_batch(np.array(batch)[..., np.newaxis], np.eye(2)[chosen % 2])

    return step
