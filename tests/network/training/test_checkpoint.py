"""Continuing: a training that was interrupted anywhere ends with the same bits as one that was not."""

import dataclasses
import json
import re
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from archnet.errors import RunError
from archnet.network.training import checkpoint as checkpoint_module
from archnet.network.training import loop as loop_module
from archnet.network.training.checkpoint import FILE, read_saved_training
from archnet.network.training.history import Tally, TrainingProgress
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


@pytest.mark.long
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


WEIGHTS = [np.array([[1.0, 2.0]], np.float32), np.array([3.0], np.float32)]


def checkpoint_of(folder, interval_seconds=0.0, **record):
    record = {"micro_batch": 4, "training": {"precision": "float32"}, "weights": [[1, 2], [1]], **record}
    return checkpoint_module.Checkpoint(folder=folder, record=record, interval_seconds=interval_seconds)


def variables(*values):
    return [keras.Variable(np.array(value, np.float32)) for value in values]


def progress_of(best_weights=None):
    tally = Tally(num_steps=2, num_cases=9, loss=1.5, matrix=np.array([[3, 1], [0, 4]]), seconds=0.25)
    return TrainingProgress(
        history=[{"epoch": 1, "loss": 0.5}], tally=tally, best_value=0.75, best_weights=best_weights
    )


@pytest.mark.parametrize("best", [None, WEIGHTS])
def test_a_checkpoint_restores_variables_and_progress(tmp_path, best):
    checkpoint_of(tmp_path).save(variables([1, 2], [[3]]), progress_of(best))
    restored = variables([0, 0], [[0]])
    progress = checkpoint_of(tmp_path).load(restored)
    assert [keras.ops.convert_to_numpy(one).tolist() for one in restored] == [[1, 2], [[3]]]
    assert (progress.history, progress.best_value, progress.is_finished) == ([{"epoch": 1, "loss": 0.5}], 0.75, False)
    tally = progress.tally
    assert (tally.num_steps, tally.num_cases, tally.loss, tally.seconds) == (2, 9, 1.5, 0.25)
    assert tally.matrix.tolist() == [[3, 1], [0, 4]]
    assert (progress.best_weights is None) == (best is None)
    assert are_equal(progress.best_weights or [], best or [])
    saved = read_saved_training(tmp_path)
    assert (saved.record["micro_batch"], saved.history) == (4, progress.history)


def test_a_finished_training_keeps_its_weights_alone_and_restores_no_variables(tmp_path):
    checkpoint_of(tmp_path).finish(WEIGHTS, progress_of())
    restored = variables([5, 6])
    progress = checkpoint_of(tmp_path).load(restored)
    assert progress.is_finished
    assert are_equal(progress.best_weights, WEIGHTS)
    assert keras.ops.convert_to_numpy(restored[0]).tolist() == [5, 6]
    with np.load(tmp_path / FILE) as content:
        assert sorted(content.files) == ["best/0", "best/1", "told"]


def test_a_checkpoint_without_a_folder_or_a_file_keeps_nothing(tmp_path):
    nowhere = checkpoint_of(None)
    nowhere.save(variables([1]), progress_of())
    assert nowhere.load(variables([1])) is None
    assert checkpoint_of(tmp_path).load(variables([1])) is None
    assert not nowhere.is_due()
    assert (read_saved_training(tmp_path).record, read_saved_training(tmp_path).history) == ({}, [])


def test_a_checkpoint_is_due_when_its_interval_is_over_since_the_last_one(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(checkpoint_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    checkpoint = checkpoint_of(tmp_path, interval_seconds=30.0)
    checkpoint.last_save = 100.0
    due = []
    for now[0] in (129.0, 130.0):
        due.append(checkpoint.is_due())
    checkpoint.save(variables([1]), progress_of())
    due.append(checkpoint.is_due())
    assert (due, checkpoint.last_save) == ([False, True, False], 130.0)


def test_every_option_that_differs_is_named(tmp_path):
    checkpoint_of(tmp_path, seed=1).save([], progress_of())
    message = (
        f"{tmp_path / FILE}: belongs to a different training run: micro_batch, images, seed differs. "
        "Use the same options, or remove the folder to start over."
    )
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        checkpoint_of(tmp_path, micro_batch=8, images=3).load([])


def damaged(folder, change_told=lambda told: None, **arrays):
    """Save a checkpoint and change its document or its arrays."""
    checkpoint_of(folder).save(variables([1, 2]), progress_of(WEIGHTS))
    with np.load(folder / FILE) as content:
        members = dict(content)
    told = json.loads(str(members["told"]))
    change_told(told)
    members |= {"told": np.array(json.dumps(told)), **arrays}
    np.savez(folder / FILE, **{name: array for name, array in members.items() if array is not None})
    with pytest.raises(RunError) as caught:
        checkpoint_of(folder).load(variables([0, 0]))
    return str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.pop("progress"),
        lambda told: told.update(record=[]),
        lambda told: told["progress"].update(history=[{"epoch": "1"}]),
        lambda told: told["progress"].update(history=[3]),
        lambda told: told["progress"]["tally"].update(matrix=[[0.5]]),
        lambda told: told["progress"]["tally"].update(num_steps=-1),
        lambda told: told["progress"]["tally"].update(num_cases=True),
        lambda told: told["progress"]["tally"].update(loss="1"),
        lambda told: told["progress"]["tally"].pop("seconds"),
        lambda told: told["progress"].update(best_value="high"),
        lambda told: told["progress"].update(num_best=-1),
        lambda told: told.update(finished=True) or told["progress"].update(num_best=0),
    ],
)
def test_a_checkpoint_without_the_progress_is_refused(change, tmp_path):
    reason = "it does not contain the progress of training"
    assert (
        damaged(tmp_path, change) == f"{tmp_path / FILE}: damaged ({reason}). Remove it and run again from the start."
    )


@pytest.mark.parametrize(
    ("change", "arrays"),
    [
        (lambda told: told["progress"].update(num_best=1), {}),
        (lambda told: None, {"state/0": np.zeros(3)}),
        (lambda told: None, {"state/0": None}),
        (lambda told: None, {"state/1": np.zeros(2)}),
        (lambda told: None, {"best/1": np.zeros(2)}),
        (lambda told: None, {"best/1": None}),
    ],
)
def test_a_checkpoint_whose_arrays_are_those_of_another_network_is_refused(change, arrays, tmp_path):
    reason = "its arrays do not fit this network"
    message = f"{tmp_path / FILE}: damaged ({reason}). Remove it and run again from the start."
    assert damaged(tmp_path, change, **arrays) == message


@pytest.mark.parametrize(
    "record", [{"micro_batch": 0}, {"micro_batch": None}, {"training": None}, {"training": {"precision": 16}}]
)
def test_a_saved_training_has_a_micro_batch_and_a_precision(record, tmp_path):
    checkpoint_of(tmp_path, **record).save([], progress_of())
    with pytest.raises(RunError, match="it does not contain the progress of training"):
        read_saved_training(tmp_path)


def test_a_checkpoint_that_cannot_be_opened_is_named(tmp_path):
    (tmp_path / FILE).mkdir()
    with pytest.raises(RunError, match=r"training\.npz: damaged \(.+\)\. Remove it and run again from the start\.$"):
        checkpoint_of(tmp_path).load([])


def test_a_checkpoint_of_an_earlier_version_counts_the_cases_in_its_matrix(tmp_path):
    checkpoint_of(tmp_path).save([], progress_of())
    with np.load(tmp_path / FILE) as content:
        told = json.loads(str(content["told"]))
    del told["progress"]["tally"]["num_cases"]
    np.savez(tmp_path / FILE, told=np.array(json.dumps(told)))
    assert checkpoint_of(tmp_path).load([]).tally.num_cases == 8
