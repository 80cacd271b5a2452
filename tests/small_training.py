"""A small network and small data to train it on."""

import shutil

import numpy as np

from archnet.files.strict_json import Document
from archnet.network.build.network import build
from archnet.network.examples import Examples
from archnet.network.predict import predict_probabilities
from archnet.network.training.loop import train
from archnet.network.training.setup import Execution, TrainingData, set_up_training
from archnet.spec.arch import parse_arch
from archnet.spec.view import InputLimits

LIMITS = InputLimits.of(-1000, 400)


class Silent:
    def on_step(self, epoch, step, num_steps, logs):
        assert 1 <= step <= num_steps

    def on_epoch(self, row):
        assert row["epoch"] >= 1


class InterruptedTrainingError(Exception):
    """Raised in place of a signal."""


class InterruptingAtStep(Silent):
    def __init__(self, step):
        self.step, self.seen = step, 0

    def on_step(self, epoch, step, num_steps, logs):
        self.seen += 1
        if self.seen == self.step:
            raise InterruptedTrainingError


class CopyingCheckpoint(Silent):
    """Copies the checkpoint at some steps, counted over all epochs, as a kill at these steps would leave it.

    One training thus serves as the uninterrupted one and as the one that was killed.
    """

    def __init__(self, folder, copies):
        self.folder, self.copies, self.seen = folder, copies, 0

    def on_step(self, epoch, step, num_steps, logs):
        self.seen += 1
        if self.seen in self.copies:
            shutil.copytree(self.folder, self.copies[self.seen])


def killed_and_resumed(fitted, folder, step):
    """The network of a whole training, and that of a training resumed from the checkpoint of a step.

    Args:
        fitted: Trains with the given `callback`, `checkpoint` and `checkpoint_seconds`, and returns the network.
        folder: A folder for checkpoints.
        step: The training is killed during this step, counted over all epochs.
    """
    whole, resumed = CopyingCheckpoint(folder / "whole", {step: folder / "killed"}), CopyingCheckpoint(folder, {})
    (folder / "whole").mkdir()
    expected = fitted(callback=whole, checkpoint=folder / "whole", checkpoint_seconds=0)
    network = fitted(callback=resumed, checkpoint=folder / "killed", checkpoint_seconds=1e9)
    assert resumed.seen == whole.seen - step + 1
    return expected, network


def network_of(activation=None, drop_out=0, seed=0, rank=2, num_classes=2):
    layers = [
        {"type": "C", "num_output": 4, "kernel_size": [3] * rank, "activation": "relu", "drop_out": drop_out},
        {"type": "GAP"},
        {"type": "T", "activation": activation},
    ]
    return built(layers, rank, num_classes, seed)


def deep_network(rank=2, drop_out=30, batch_norm=False, seed=0):
    """Convolution, pooling and fully connected layers, with dropout behind each."""
    layers = [
        {"type": "C", "num_output": 4, "kernel_size": [3] * rank, "activation": "relu", "drop_out": drop_out,
         "batch_norm": batch_norm},
        {"type": "P", "pool": "max", "kernel_size": [2] * rank, "drop_out": drop_out},
        {"type": "FC", "num_output": 5, "activation": "tanh", "drop_out": drop_out},
        {"type": "T"},
    ]  # fmt: skip
    return built(layers, rank, 2, seed)


def built(layers, rank, num_classes, seed):
    return build(parse_arch(Document(value=layers, source="test")), (8,) * rank, num_classes, seed=seed)


def bright_and_dark(count=48, rank=2, dtype=np.int16):
    """HU images whose class is their brightness."""
    generator = np.random.default_rng(0)
    labels = np.arange(count) % 2
    images = generator.normal(-700, 80, (count, *(8,) * rank, 1)) + 350 * labels.reshape(-1, *(1,) * (rank + 1))
    return Examples(images=images.astype(dtype), rows=np.arange(count), labels=labels)


def fit(training, network=None, examples=None, validation=None, *, callback=None, classes=(), **execution):
    network, examples = network or network_of(), examples or bright_and_dark()
    data = TrainingData(limits=LIMITS, examples=examples, validation=validation, classes=classes)
    setup = set_up_training(network, data, training, Execution(**execution))
    return network, train(setup, callback or Silent())


def told_by(model, images):
    return predict_probabilities(model, images, np.arange(len(images)))


def are_equal(weights, others):
    return all(np.array_equal(one, other) for one, other in zip(weights, others, strict=True))
