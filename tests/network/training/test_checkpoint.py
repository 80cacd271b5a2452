"""Continuing: a training that was interrupted anywhere ends with the same bits as one that was not."""

import dataclasses
import json
import re

import numpy as np
import pytest

from archnet.errors import RunError
from archnet.network.training import checkpoint as checkpoint_module
from archnet.network.training import loop as loop_module
from archnet.network.training.checkpoint import FILE, read_saved_training
from archnet.spec.augmentations import Flip, RightAngles, RotatedCopies
from archnet.spec.experiment import EarlyStopping, Mixup, Schedule
from plain_training import plain
from small_training import Silent, are_equal, bright_and_dark, deep_network, fit

FULL = plain(
    epochs=5, batch_size=8, learning_rate=0.02, schedule=Schedule(type="cosine"), warmup_epochs=1, l2=0.001, ema=0.9,
    balance="oversample", augmentation=(RightAngles(), Flip(), RotatedCopies(angles=(90,))), clip_norm=1.0,
    mixup=Mixup(),
)  # fmt: skip
BRIEF = plain(epochs=1, batch_size=16)


class InterruptedTrainingError(Exception):
    pass


class Interrupting(Silent):
    """Ends the training at the given step, counted over all epochs, or at the end of an epoch."""

    def __init__(self, step=None, epoch=None):
        self.step, self.epoch, self.seen = step, epoch, 0

    def on_step(self, epoch, step, num_steps, logs):
        self.seen += 1
        if self.seen == self.step:
            raise InterruptedTrainingError

    def on_epoch(self, row):
        if row["epoch"] == self.epoch:
            raise InterruptedTrainingError


def without_seconds(rows):
    """As text, in which NaN is equal to itself."""
    return [repr({key: value for key, value in row.items() if key != "seconds"}) for row in rows]


def fitted(training, **options):
    """A training on 37 cases, which batches of 8 do not divide; the validation set wants the opposite."""
    validation = bright_and_dark(12)
    validation = dataclasses.replace(validation, labels=1 - validation.labels)
    return fit(training, deep_network(batch_norm=True), bright_and_dark(37), validation, **options)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("training", "micro_batch"),
    [
        pytest.param(FULL, None, marks=pytest.mark.long),
        pytest.param(dataclasses.replace(FULL, precision="float16"), None, marks=pytest.mark.long),
        pytest.param(
            dataclasses.replace(FULL, precision="bfloat16", optimizer="rmsprop", momentum=0.5, best_metric=None),
            3,
            marks=pytest.mark.long,
        ),
        (
            dataclasses.replace(
                FULL, precision="float16", best_metric="auc", early_stopping=EarlyStopping(metric="loss", patience=2)
            ),
            3,
        ),
    ],
)
def test_an_interrupted_training_ends_with_the_same_bits(training, micro_batch, tmp_path):
    network, rows = fitted(training, micro_batch=micro_batch)
    for step, seconds in ((3, 0), (8, 1e9), (4, 0)):  # within an epoch, after a saved epoch, at the end of an epoch
        keep = {"checkpoint": tmp_path, "checkpoint_seconds": seconds}
        with pytest.raises(InterruptedTrainingError):
            fitted(training, micro_batch=micro_batch, callback=Interrupting(step), **keep)
    again, other_rows = fitted(training, micro_batch=micro_batch, checkpoint=tmp_path)
    assert are_equal(network.get_weights(), again.get_weights())
    assert without_seconds(other_rows) == without_seconds(rows)


@pytest.mark.slow
def test_a_training_resumes_from_its_last_step_not_from_its_last_epoch(tmp_path):
    whole = Interrupting()
    network, rows = fitted(FULL, callback=whole)
    losses = [row["validation_loss"] for row in rows]
    assert losses.index(min(losses)) == 0
    interrupting = Interrupting(whole.seen - 10)
    with pytest.raises(InterruptedTrainingError):
        fitted(FULL, callback=interrupting, checkpoint=tmp_path, checkpoint_seconds=0)
    callback = Interrupting()
    again, other_rows = fitted(FULL, callback=callback, checkpoint=tmp_path)
    assert callback.seen == 11
    assert are_equal(network.get_weights(), again.get_weights())
    assert without_seconds(other_rows) == without_seconds(rows)


@pytest.mark.slow
def test_a_training_that_was_kept_at_its_end_is_done(tmp_path):
    network, rows = fitted(FULL, checkpoint=tmp_path)
    callback = Interrupting()
    again, same_rows = fitted(FULL, callback=callback, checkpoint=tmp_path)
    assert callback.seen == 0
    assert repr(same_rows) == repr(rows)
    assert are_equal(network.get_weights(), again.get_weights())


@pytest.mark.slow
def test_the_last_good_checkpoint_survives_a_crash_while_the_next_is_written(tmp_path, monkeypatch):
    network, _ = fitted(FULL)
    with pytest.raises(InterruptedTrainingError):
        fitted(FULL, callback=Interrupting(epoch=2), checkpoint=tmp_path)
    kept = (tmp_path / FILE).read_bytes()

    def crashing(stream, **arrays):
        stream.write(b"half a file")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_module.np, "savez", crashing)
        message = (
            f"{tmp_path / FILE}: cannot be written: No space left on device. The previous checkpoint is "
            "intact. Free some disk space, then run again with --resume."
        )
        with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
            fitted(FULL, checkpoint=tmp_path)
    assert (tmp_path / FILE).read_bytes() == kept
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert are_equal(fitted(FULL, checkpoint=tmp_path)[0].get_weights(), network.get_weights())


def test_a_checkpoint_of_other_options_is_refused(tmp_path):
    fit(BRIEF, checkpoint=tmp_path)
    message = (
        f"{tmp_path / FILE}: belongs to a different training run: training differs. "
        "Use the same options, or remove the folder to start over."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        fit(dataclasses.replace(BRIEF, epochs=2), checkpoint=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "other"), [("devices", ["GPU:1 NVIDIA A100"]), ("devices", ["CPU:0", "CPU:1"]), ("deterministic", True)]
)
def test_a_checkpoint_of_another_device_is_refused(tmp_path, monkeypatch, key, other):
    fit(BRIEF, checkpoint=tmp_path)
    monkeypatch.setattr(
        loop_module, "execution_record", lambda: {"devices": ["CPU"], "deterministic": False, key: other}
    )
    with pytest.raises(RunError, match=f"belongs to a different training run: {key} differs"):
        fit(BRIEF, checkpoint=tmp_path)


def test_a_checkpoint_resumes_on_another_gpu_of_the_same_kind(tmp_path, monkeypatch):
    for number in (0, 1):
        here = {"devices": [f"GPU:{number} NVIDIA A100"], "deterministic": False}
        monkeypatch.setattr(loop_module, "execution_record", lambda here=here: here)
        _, history = fit(BRIEF, checkpoint=tmp_path)
    assert len(history) == 1


@pytest.mark.slow
def test_a_damaged_checkpoint_is_refused(tmp_path):
    fit(BRIEF, checkpoint=tmp_path)
    content = (tmp_path / FILE).read_bytes()
    for damaged in (content[: len(content) // 2], b"", content[:500] + b"\0\1\2\3" + content[504:]):
        (tmp_path / FILE).write_bytes(damaged)
        with pytest.raises(RunError, match=r": damaged \(.*\). Remove it and run again from the start.$"):
            fit(dataclasses.replace(BRIEF, epochs=2), checkpoint=tmp_path)


@pytest.mark.slow
def test_micro_batch_and_precision_stay_what_they_were_when_a_training_resumes(tmp_path):
    training = dataclasses.replace(FULL, epochs=2, precision="auto")
    with pytest.raises(InterruptedTrainingError):
        fitted(training, callback=Interrupting(epoch=1), checkpoint=tmp_path, micro_batch=3)
    record = read_saved_training(tmp_path).record
    assert record["micro_batch"] == 3
    assert record["training"]["precision"] in ("float32", "bfloat16")
    precision = record["training"]["precision"]
    fitted(training, checkpoint=tmp_path, micro_batch=3, precision=precision)
    assert read_saved_training(tmp_path).record == record


def test_a_checkpoint_holds_arrays_and_text_alone(tmp_path):
    fit(BRIEF, validation=bright_and_dark(12), checkpoint=tmp_path)
    with np.load(tmp_path / FILE, allow_pickle=False) as content:
        told = json.loads(str(content["told"]))
        assert {name.split("/")[0] for name in content.files} == {"state", "best", "told"}
    assert [row["epoch"] for row in told["progress"]["history"]] == [1]
