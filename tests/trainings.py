"""Small trainings under names, so that another process can do the same ones: `python trainings.py DEVICES FILE.npz NAMES`."""

import dataclasses
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from archnet.spec.augmentations import Flip, RightAngles
from archnet.spec.experiment import Mixup
from plain_training import plain

SGD = plain(optimizer="sgd", momentum=0.9, learning_rate=0.05, epochs=2, batch_size=16)
FULL = dataclasses.replace(
    SGD,
    l2=0.01,
    clip_norm=0.3,
    balance="weights",
    augmentation=(RightAngles(), Flip()),
    ema=0.9,
    label_smoothing=0.1,
    mixup=Mixup(),
)
TRAININGS = {
    "plain": (SGD, {"drop_out": 0}, {}),
    "adam": (dataclasses.replace(SGD, optimizer="adamw", learning_rate=0.01, weight_decay=0.1), {"drop_out": 0}, {}),
    "all options": (FULL, {}, {}),
    "all options in parts": (FULL, {}, {"micro_batch": 6}),
    "3D in parts": (FULL, {"rank": 3}, {"micro_batch": 6}),
    "fewer cases than devices": (dataclasses.replace(FULL, batch_size=3), {}, {}),
    "float16": (dataclasses.replace(FULL, precision="float16"), {}, {}),
    "batch norm": (SGD, {"drop_out": 0, "batch_norm": True}, {}),
}
"""Options, network and execution; the batch does not divide the 43 cases."""


def done(name, **execution):
    """The weights and the losses of all epochs."""
    from small_training import bright_and_dark, deep_network, fit

    training, network, how = TRAININGS[name]
    examples = bright_and_dark(43, network.get("rank", 2))
    trained, rows = fit(
        training, deep_network(**network), examples, bright_and_dark(7, network.get("rank", 2)), **how, **execution
    )
    keys = ("train_loss", "train_accuracy", "validation_loss")
    return trained.get_weights(), np.array([[row[key] for key in keys] for row in rows])


def continued(name):
    """The same after an interruption in the middle of the second epoch."""
    from small_training import Silent

    class Interrupting(Silent):
        def on_step(self, epoch, step, num_steps, logs):
            if (epoch, step) == (2, 2):
                raise InterruptedError

    with TemporaryDirectory() as folder:
        keep = {"checkpoint": Path(folder), "checkpoint_seconds": 0}
        try:
            done(name, callback=Interrupting(), **keep)
        except InterruptedError:
            return done(name, **keep)
    raise AssertionError("the training was not interrupted")


def main(num_devices, path, names):
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * num_devices)
    from archnet.network.backend import devices, start_quietly

    start_quietly("cpu", is_deterministic=True)
    assert len(devices()) == num_devices
    told = {name: done(name) for name in names} | {"continued": continued("all options in parts")}
    arrays = {f"{name}/{place}": weight for name, (weights, _) in told.items() for place, weight in enumerate(weights)}
    np.savez(path, **arrays, **{f"{name}/history": history for name, (_, history) in told.items()})


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
