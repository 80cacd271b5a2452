"""What `archnet bench` tells: whose figures they are and that they fit each other, never how fast the machine is."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from archnet.cli import app
from archnet.errors import RunError
from archnet.files.strict_json import Document
from archnet.network.timing.steps import measure_matmul_rate, measure_seconds
from archnet.network.training.trainer import Trainer
from archnet.runs.benchmark.measure import TimedTraining, measure
from archnet.runs.benchmark.workload import load_data_workload, make_noise_workload
from archnet.spec.arch import parse_arch
from archnet.spec.cost import network_cost
from archnet.spec.experiment import Training
from archnet.spec.memory import estimate_memory, plan_micro_batches
from archnet.spec.resolve import parse_experiments
from archnet.spec.view import InputLimits
from plain_training import plain

LAYERS = [
    {"type": "C", "num_output": 4, "kernel_size": [3, 3], "activation": "relu"},
    {"type": "GAP"},
    {"type": "T"},
]


@pytest.fixture(autouse=True)
def small_matrices(monkeypatch):
    monkeypatch.setattr("archnet.network.timing.steps.MATRIX_SIZE", 8)


def small_arch():
    return parse_arch(Document(value={"name": "small", "layers": LAYERS}, source="test"))


def small_subject(**training):
    return make_noise_workload(small_arch(), plain(batch_size=4, **training), (8, 8), 3)


@pytest.mark.slow
def test_the_measured_settings_are_printed():
    measured = measure(small_subject(), num_steps=2, num_rounds=2).to_document()
    assert measured["arch"] == "small"
    assert measured["data"] == "noise"
    assert measured["input_shape"] == [8, 8, 1]
    assert [measured[key] for key in ("batch_size", "num_steps", "num_rounds")] == [4, 2, 2]
    assert measured["precision"] == "float32"
    assert measured["predicted_memory_bytes"] == estimate_memory(small_arch().plan((8, 8), 3), plain()).training_bytes(
        4
    )
    speeds = ("first_step_seconds", "step_samples_per_second", "pipeline_samples_per_second")
    assert all(measured[key] > 0 for key in (*speeds, "pipeline_share", "matmul_macs_per_second", "matmul_share"))
    assert json.loads(json.dumps(measured)) == measured


def test_the_outputs_of_each_timed_step_are_read(monkeypatch):
    steps = []
    monkeypatch.setattr("archnet.network.timing.steps.read_outputs", steps.append)
    measure_seconds(SimpleNamespace(train_step=len), [SimpleNamespace(micro_batches=[0] * k) for k in (1, 2, 3)])
    assert steps == [1, 2, 3]


@pytest.mark.slow
def test_memory_is_predicted_for_the_options_that_were_measured():
    subject = small_subject(precision="bfloat16", ema=0.9)
    predicted = estimate_memory(subject.plan, subject.training).training_bytes(4)
    assert measure(subject, 1, 1).predicted_memory_bytes == predicted
    assert predicted != estimate_memory(subject.plan).training_bytes(4)


@pytest.mark.slow
def test_a_budget_cuts_the_batch_into_parts_as_in_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr("archnet.spec.memory.PROCESS_BYTES", 0)
    line = [arch_file(tmp_path), "--input", "8x8", "--batch", "64", "--steps", "1", "--memory", "100kB"]
    plan = small_arch().plan((8, 8))
    size = plan_micro_batches(estimate_memory(plan, Training()), 64, 100_000).size
    told = json.loads(bench_line(*line, "--json").stdout)
    assert told["micro_batch"] == size < 64
    subject = make_noise_workload(small_arch(), Training(batch_size=64, memory="100kB"), (8, 8))
    assert {len(part["labels"]) for part in next(TimedTraining(subject).iterate_steps(0, 1)).micro_batches[:-1]} == {
        size
    }
    assert told["predicted_memory_bytes"] == estimate_memory(plan).training_bytes(64, size) < 100_000
    assert f"batch 64 in micro-batches of {size}, float32" in " ".join(bench_line(*line).stdout.split())


def test_a_failed_step_is_reported_with_advice(monkeypatch):
    def exhausted(trainer, parts):
        raise type("ResourceExhaustedError", (Exception,), {})("OOM")

    monkeypatch.setattr(Trainer, "train_step", exhausted)
    with pytest.raises(RunError, match=r"^out of memory with a micro-batch of 4 \(batch size 4\)\. "):
        measure(small_subject(), 1, 1)


@pytest.mark.slow
def test_in_a_single_round_the_shares_follow_from_the_rates():
    measured = measure(small_subject(), num_steps=2, num_rounds=1)
    share = measured.pipeline_samples_per_second / measured.step_samples_per_second
    macs = 3 * network_cost(small_arch().plan((8, 8), 3)).num_macs * measured.step_samples_per_second
    assert measured.pipeline_share == pytest.approx(share)
    assert measured.matmul_share == pytest.approx(macs / measured.matmul_macs_per_second)


@pytest.mark.slow
def test_the_progress_goes_over_a_warm_up_and_the_rounds():
    seen = []

    def progress(items, description, total):
        seen.append((description, total))
        return items

    measure(small_subject(), num_steps=1, num_rounds=2, progress=progress)
    assert seen == [("rounds", 3)]


@pytest.mark.slow
def test_auto_becomes_the_precision_that_was_used():
    assert measure(small_subject(precision="auto"), 1, 1).precision in ("float32", "bfloat16")


@pytest.mark.slow
def test_both_sides_of_a_round_train_on_the_same_cases(monkeypatch):
    pace, seen = TimedTraining(small_subject()), []
    step = pace.trainer.train_step

    def watched(parts):
        seen.append(np.concatenate([part["images"] for part in parts]))
        return step(parts)

    monkeypatch.setattr(pace.trainer, "train_step", watched)
    pace.time_round(0, 3)
    assert len(seen) == 6
    assert np.array_equal(seen[:3], seen[3:])


@pytest.mark.parametrize("number", [0, 1])
def test_the_rate_in_memory_comes_before_the_pipelines_in_every_round(number, monkeypatch):
    monkeypatch.setattr(
        "archnet.runs.benchmark.measure.measure_seconds", lambda trainer, steps: 2.0 if isinstance(steps, list) else 4.0
    )
    in_memory, gathered, _ = TimedTraining(small_subject()).time_round(number, 3)
    assert (in_memory, gathered) == (6.0, 3.0)


def test_after_an_epoch_the_next_one_begins():
    pace = TimedTraining(small_subject())
    steps = list(pace.iterate_steps(0, 6))
    epochs = [list(pace.steps.epoch_batches(epoch)) for epoch in (0, 1)]
    assert len(epochs[0]) == 4
    expected = [*epochs[0], *epochs[1][:2]]
    assert all(np.array_equal(one.rows, other.rows) for one, other in zip(steps, expected, strict=True))


@pytest.mark.slow
def test_the_cases_of_an_experiment_are_its_training_set(tmp_path):
    generator = np.random.default_rng(0)
    labels = np.arange(40) % 2
    np.savez(tmp_path / "cases.npz", x=generator.random((40, 8, 8), np.float32), y=labels)
    document = {
        "archs": [{"name": "small", "layers": LAYERS}],
        "data": {"name": "npz", "root": str(tmp_path / "cases.npz"), "positive": "0"},
        "training": {"batch_size": 4},
    }
    subject = load_data_workload(parse_experiments(Document(value=document, source="test"))[0])
    assert subject.data == "npz"
    assert len(subject.examples) == 28
    assert subject.limits == InputLimits.of(0, 1)
    assert subject.positive == 0
    assert np.array_equal(labels[subject.examples.rows], subject.examples.labels)
    assert measure(subject, 1, 1).data == "npz"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_rate_of_a_multiplication_is_that_of_its_matrices(precision, monkeypatch):
    ticks = iter([0, 100, 100, 104, 104, 106, 106, 109])
    monkeypatch.setattr("archnet.network.timing.steps.time.perf_counter", lambda: next(ticks))
    assert measure_matmul_rate(precision) == 8**3 / 2


def arch_file(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps({"name": "small", "layers": LAYERS}))
    return str(path)


def bench_line(*words):
    return CliRunner().invoke(app, ["bench", *words])


@pytest.mark.slow
def test_the_command_prints_one_json_object(tmp_path):
    result = bench_line(
        arch_file(tmp_path), "--input", "8x8", "--classes", "3", "--batch", "2", "--steps", "1", "--json"
    )
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["batch_size"] == 2
    assert told["device"].startswith("Keras ")


@pytest.mark.slow
def test_the_command_prints_a_table(tmp_path):
    result = bench_line(arch_file(tmp_path), "--input", "8x8", "--steps", "1")
    assert result.exit_code == 0
    assert "small on noise, 8x8x1, batch 64, float32" in result.stdout
    for line in ("whole pipeline", "first step", "peak memory of training", "predicted "):
        assert line in result.stdout


def test_a_size_next_to_data_is_refused(tmp_path):
    result = bench_line(arch_file(tmp_path), "--data", "phantom", "--input", "8x8")
    assert str(result.exception) == "--input 8x8: the data set determines the input size. Remove --input, or --data."


def test_without_data_the_augmentation_is_a_typical_one_as_far_as_it_fits_the_shape():
    left = Training(batch_size=4, auto=("augmentation",))
    assert make_noise_workload(small_arch(), left, (8, 8)).training == left
    narrow = make_noise_workload(small_arch(), left, (8, 3)).training.augmentation
    assert [type(entry).__name__ for entry in narrow] == ["Flip", "Intensity"]
