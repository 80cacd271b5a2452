"""The memory that training takes, the parts of a batch that fit a budget, and the budget of the machine."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from archnet import machine
from archnet.cli import app
from archnet.errors import DocumentError, RunError
from archnet.files.strict_json import Document
from archnet.network.training import loop
from archnet.report.network_table import training_text
from archnet.runs import runner
from archnet.runs.evaluation import predict_cases
from archnet.runs.planning import micro_batch
from archnet.spec.arch import load_arch, parse_arch
from archnet.spec.augmentations import Flip
from archnet.spec.experiment import Mixup
from archnet.spec.layers.base.activations import get_activation
from archnet.spec.memory import (
    HEADROOM,
    PROCESS_BYTES,
    MemoryEstimate,
    estimate_memory,
    parse_bytes,
    plan_micro_batches,
)
from archnet.spec.resolve import parse_experiments
from plain_training import PLAIN, plain

ROOT = Path(__file__).parents[2]
COMMAND = CliRunner()
CONV = {"type": "C", "num_output": 4, "kernel_size": [3, 3], "activation": "relu"}
END = [{"type": "GAP"}, {"type": "T"}]


def plan_of(*layers, shape=(16, 16)):
    return parse_arch(Document(value=[*layers, *END], source="net")).plan(shape)


def case_bytes(*layers, **training):
    return estimate_memory(plan_of(*layers), plain(**training)).network_bytes_per_case


def experiment_of(layers, **training):
    document = {"archs": [{"name": "net", "layers": [*layers, *END]}], "training": {**PLAIN, **training}}
    return parse_experiments(Document(value=document, source="mine.json"))[0]


def test_mixup_takes_a_second_image_of_each_case():
    plain_estimate, mixed = (estimate_memory(plan_of(CONV), plain(mixup=mixup)) for mixup in (None, Mixup()))
    assert mixed.prefetch_bytes_per_case == 2 * plain_estimate.prefetch_bytes_per_case
    assert mixed.network_bytes_per_case == plain_estimate.network_bytes_per_case + 5 * 4 * 16 * 16


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GB", 4 * 10**9),
        ("4G", 4 * 10**9),
        ("512 MB", 512 * 10**6),
        ("1.5GiB", 3 * 2**29),
        ("2KiB", 2048),
        ("3kB", 3000),
        ("77", 77),
        (77, 77),
    ],
)
def test_an_amount_of_memory_has_a_unit_or_is_in_bytes(text, size):
    assert parse_bytes(text) == size


def test_an_amount_of_memory_has_at_most_20_digits():
    assert parse_bytes("1" + "0" * 19) == 10**19
    assert parse_bytes("0." + "0" * 16 + "10GB") == 0
    with pytest.raises(ValueError, match=re.escape(f'"1{"0" * 19}..." is a number of 21 characters')):
        parse_bytes("1" + "0" * 20)


@pytest.mark.parametrize("text", ["4 gigs", "GB", "-4GB", "4gb", "4 iB", ""])
def test_what_is_not_an_amount_of_memory_is_refused(text):
    said = f'"{text}" is not a memory size. Use "4GB", "512MB", "2GiB" or a number of bytes.'
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        parse_bytes(text)
    with pytest.raises(DocumentError, match=re.escape(f"mine.json $.training.memory: {said}")):
        experiment_of([CONV], memory=text)


def test_each_case_costs_what_the_backward_pass_keeps_of_it():
    values = 16 * 16 * 4
    image = 4 * 3 * 16 * 16
    assert case_bytes(CONV) == image + 4 * (values + values + 8)  # its output; then the gradient in front of the mean
    dropped = case_bytes({**CONV, "drop_out": 20})
    assert dropped - case_bytes(CONV) == 4 * (2 * values + round(values * 0.5) + 16 * 16 - 8)
    assert case_bytes(CONV, CONV) - case_bytes(CONV) == 4 * (values + round(values * 0.5) - 8)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({**CONV, "batch_norm": True}, CONV),
        ({**CONV, "drop_out": 20}, CONV),
        ({**CONV, "activation": "gelu"}, {**CONV, "activation": "silu"}),
        ({**CONV, "activation": "silu"}, CONV),
        ({"type": "RES", "layers": [CONV, CONV]}, {"type": "REP", "times": 2, "layers": [CONV]}),
        ({"type": "RES", "layers": [CONV, CONV]}, {"type": "RES", "layers": [CONV, {**CONV, "activation": None}]}),
    ],
)
def test_what_keeps_more_tensors_costs_more(more, less):
    assert case_bytes(CONV, more) > case_bytes(CONV, less)


@pytest.mark.parametrize("activation", ["relu", "gelu", "silu", None])
def test_an_activation_on_its_own_costs_what_it_costs_within_a_convolution(activation):
    linear, own = {**CONV, "activation": None, "norm": "batch"}, {"type": "ACT", "activation": activation}
    joint, apart = case_bytes(CONV, {**linear, "activation": activation}), case_bytes(CONV, linear, own)
    assert joint - 4 * 16 * 16 * 4 / 2 <= apart <= joint
    if activation:
        assert case_bytes(CONV, {**linear, "activation": "relu"}, own) > apart


LINEAR, RELU = {**CONV, "activation": None}, {"type": "ACT", "activation": "relu"}


def test_only_an_activation_overwrites_the_output_of_the_layer_before_it():
    assert case_bytes(CONV, LINEAR, RELU) < case_bytes(CONV, LINEAR, CONV)
    assert case_bytes(CONV, LINEAR, CONV) == case_bytes(CONV, CONV, CONV)
    branches = [{"type": "CAT", "branches": [[layer], [RELU]]} for layer in (LINEAR, CONV)]
    assert case_bytes(CONV, branches[0]) == case_bytes(CONV, branches[1])  # in another branch is none before it
    assert case_bytes(CONV, {"type": "REP", "times": 1, "layers": [LINEAR, RELU]}) == case_bytes(CONV, LINEAR, RELU)


def test_t_alone_takes_its_output_and_the_gradients_of_its_input_and_output():
    plan = parse_arch(Document(value={"rank": 2, "layers": [{"type": "T"}]}, source="net")).plan((16, 16))
    image, logits = 16 * 16, 2
    assert estimate_memory(plan, plain()).network_bytes_per_case == 4 * (3 * image + logits + image + logits)


def test_a_gradient_waits_at_the_sum_of_a_residual_block():
    """The widest layer stands inside the block: its peak carries the gradient of the sum."""
    wide = {**CONV, "num_output": 64}
    block = case_bytes(CONV, {"type": "RES", "layers": [wide, {**CONV, "activation": None}]})
    assert block >= case_bytes(CONV, wide, {**CONV, "activation": None}) + 4 * 16 * 16 * 4


def test_half_precision_halves_the_activations_and_repetition_changes_nothing():
    layers = (CONV, {**CONV, "batch_norm": True})
    image = 4 * 3 * 16 * 16
    assert case_bytes(*layers, precision="bfloat16") - image == (case_bytes(*layers) - image) / 2
    assert case_bytes(*layers, precision="auto") == case_bytes(*layers)
    assert estimate_memory(plan_of({"type": "REP", "times": 3, "layers": [CONV]})) == estimate_memory(
        plan_of(CONV, CONV, CONV)
    )


@pytest.mark.parametrize(
    ("options", "copies"),
    [
        ({"optimizer": "sgd", "momentum": 0, "best_metric": None}, 6.5),
        ({"optimizer": "sgd", "momentum": 0}, 6.5 + 2),
        ({"optimizer": "sgd", "momentum": 0.9, "best_metric": None}, 6.5 + 1.5),
        ({"optimizer": "rmsprop", "best_metric": None}, 6.5 + 1.5),
        ({"optimizer": "rmsprop", "momentum": 0.9, "best_metric": None}, 6.5 + 3),
        ({"optimizer": "adam", "best_metric": None}, 6.5 + 3),
        ({"optimizer": "adam", "best_metric": None, "momentum": 0.9}, 6.5 + 3),
        ({"optimizer": "adam", "best_metric": None, "ema": 0.99}, 6.5 + 3 + 3.25),
        ({"optimizer": "adam", "best_metric": None, "ema": 0.99, "members": 3}, 6.5 + 3 + 3.25 + 2),
    ],
)
def test_the_copies_of_the_weights(options, copies):
    memory = estimate_memory(plan_of(CONV), plain(**options))
    num_parameters = (3 * 3 * 1 + 1) * 4 + (4 + 1) * 2
    assert memory.weight_bytes == round(4 * num_parameters * copies)
    assert memory.accumulator_bytes == 4 * num_parameters * 1.25


@pytest.mark.parametrize(
    ("options", "num_images", "values_per_voxel"),
    [
        ({}, 1, 3),
        ({"augmentation": (Flip(),)}, 1, 3 + 16),
        ({"mixup": Mixup()}, 2, 3 + 5),
        ({"mixup": Mixup(), "augmentation": (Flip(),)}, 2, 3 + 16 + 5),
    ],
)
def test_the_images_of_a_case(options, num_images, values_per_voxel):
    memory = estimate_memory(plan_of(CONV), plain(**options))
    assert memory.prefetch_bytes_per_case == num_images * 16 * 16 * 2 * 5
    values = 16 * 16 * 4
    assert memory.network_bytes_per_case == 4 * 16 * 16 * values_per_voxel + 4 * (values + values + 8)


def test_the_memory_of_a_process_and_the_share_that_is_left_free():
    assert MEMORY.training_bytes(10) == 10**6 + 10 * 1000 + 10 * 10**7
    assert MEMORY.training_bytes(10, 5) == 2 * 10**6 + 10 * 1000 + 5 * 10**7
    assert MEMORY.peak_bytes(10, 5) - MEMORY.training_bytes(10, 5) == 850_000_000
    fitting = MEMORY.peak_bytes(10)
    assert plan_micro_batches(MEMORY, 10, -(-fitting * 100 // 85)).size == 10
    assert plan_micro_batches(MEMORY, 10, -(-fitting * 100 // 85) - 1).size == 5


def test_optimizer_average_and_best_weights_cost_weights():
    plan = plan_of(CONV)
    weights = [
        estimate_memory(plan, plain(**options)).weight_bytes
        for options in (
            {"optimizer": "sgd", "best_metric": None},
            {"optimizer": "sgd"},
            {"optimizer": "sgd", "momentum": 0.9},
            {"optimizer": "adam"},
            {"optimizer": "adam", "ema": 0.99},
        )
    ]
    assert weights == sorted(set(weights))


MEMORY = MemoryEstimate(
    weight_bytes=10**6, accumulator_bytes=10**6, prefetch_bytes_per_case=1000, network_bytes_per_case=10**7
)


@given(batch_size=st.integers(1, 500), budget_bytes=st.integers(PROCESS_BYTES // 2, 20 * PROCESS_BYTES))
def test_a_batch_goes_through_in_the_fewest_equal_parts_that_fit(batch_size, budget_bytes):
    allowed = (1 - HEADROOM) * budget_bytes
    try:
        micro = plan_micro_batches(MEMORY, batch_size, budget_bytes)
    except ValueError:
        assert MEMORY.peak_bytes(batch_size, 1) > allowed
        return
    assert micro.peak_bytes == MEMORY.peak_bytes(batch_size, micro.size) <= allowed
    assert micro.num_micro_batches * micro.size - batch_size < micro.num_micro_batches
    if micro.num_micro_batches > 1:
        fewer = -(-batch_size // (micro.num_micro_batches - 1))
        assert MEMORY.peak_bytes(batch_size, fewer) > allowed


@pytest.mark.parametrize(("more_bytes", "size"), [(0, 10), (1, 5), (9 * 10**7 - 10**6, 1)])
def test_a_batch_that_takes_the_whole_budget_fits(more_bytes, size):
    """Without its headroom, the budget is twice the memory of the process."""
    spare_bytes = PROCESS_BYTES - 10 * 10**7
    memory = MemoryEstimate(
        weight_bytes=spare_bytes + more_bytes,
        accumulator_bytes=10**6,
        prefetch_bytes_per_case=0,
        network_bytes_per_case=10**7,
    )
    budget_bytes = round(2 * PROCESS_BYTES / (1 - HEADROOM))
    assert (1 - HEADROOM) * budget_bytes == 2 * PROCESS_BYTES
    assert plan_micro_batches(memory, 10, budget_bytes).size == size


def test_a_batch_of_which_one_case_takes_a_byte_too_much_does_not_fit():
    memory = MemoryEstimate(
        weight_bytes=PROCESS_BYTES - 10**7 + 1,
        accumulator_bytes=0,
        prefetch_bytes_per_case=0,
        network_bytes_per_case=10**7,
    )
    with pytest.raises(ValueError, match="a micro-batch of one case already takes"):
        plan_micro_batches(memory, 10, round(2 * PROCESS_BYTES / (1 - HEADROOM)))


def test_without_a_budget_a_batch_stays_whole():
    assert plan_micro_batches(MEMORY, 10**6).num_micro_batches == 1


def test_a_refusal_names_what_would_fit():
    said = (
        "a micro-batch of one case already takes 0.94 GB (0.85 GB the process, 0.05 GB weights and gradients, 0.03 GB "
        "the cases that are read ahead, 0.01 GB one case in the network). Give at least 1.11 GB, make the crop smaller "
        "(data.crop_size), or give the network's first layers fewer num_output or a stride."
    )
    memory = MemoryEstimate(
        weight_bytes=4 * 10**7, accumulator_bytes=10**7, prefetch_bytes_per_case=3 * 10**6, network_bytes_per_case=10**7
    )
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        plan_micro_batches(memory, 10, 900_000_000)
    assert plan_micro_batches(memory, 10, 1_110_000_000).size >= 1


def test_a_refusal_names_the_layer_that_takes_the_most():
    """Attention of 4 heads over 4,096 tokens takes 4 * 4,096² values four times: its weights, and what comes and goes."""
    arch = parse_arch(Document(value=[CONV, {"type": "ATT"}, *END], source="test"))
    said = (
        "a micro-batch of one case already takes 1.93 GB (0.85 GB the process, 0.01 GB weights and gradients, 0.01 GB "
        "the cases that are read ahead, 1.08 GB one case in the network, of that 1.08 GB ATT at $.layers[1]). Give at "
        "least 2.27 GB, make the crop smaller (data.crop_size), or give the network's first layers fewer num_output or "
        "a stride."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        plan_micro_batches(estimate_memory(arch.plan((64, 64))), 4, 1_500_000_000)


def test_the_published_network_of_full_width_trains_within_4_gb():
    memory = estimate_memory(load_arch(ROOT / "archs/arch3d.json").plan((64, 64, 10)), plain())
    assert memory.peak_bytes(300) > 18e9
    micro = plan_micro_batches(memory, 300, parse_bytes("4GB"))
    assert (micro.num_micro_batches, micro.size) == (8, 38)
    assert micro.describe() == (
        "batch size 300: gradient accumulation over 8 micro-batches of at most 38 cases; "
        "predicted peak memory 3.30 GB of 4.00 GB."
    )
    assert plan_micro_batches(memory, 4).describe() == (
        "batch size 4, no gradient accumulation; predicted peak memory 1.15 GB."
    )


def test_show_prints_the_plan():
    shown = COMMAND.invoke(app, ["show", str(ROOT / "archs/arch3d.json"), "--batch", "300", "--memory", "4GB"])
    assert "in 9 micro-batches of at most 34 (" in " ".join(shown.stdout.split())
    told = COMMAND.invoke(app, ["show", str(ROOT / "archs/arch3d.json"), "--memory", "2GiB", "--json"])
    plan = json.loads(told.stdout)
    assert (plan["batch_size"], plan["micro_batch"], plan["parts"]) == (64, 13, 5)
    assert plan["training_bytes"] < plan["memory_bytes"] == 2**31
    assert "in 5 micro-batches of" in training_text(plan)


def test_show_refuses_what_cannot_fit():
    shown = COMMAND.invoke(app, ["show", str(ROOT / "archs/arch3d.json"), "--memory", "0.5GB"])
    assert isinstance(shown.exception, DocumentError)
    message = "--memory 0.5GB: a micro-batch of one case already takes 1.01 GB (0.85 GB the proc"
    assert str(shown.exception).startswith(message)


def test_the_budget_is_the_options_else_what_is_free_else_none(monkeypatch):
    plan = plan_of(CONV)
    monkeypatch.setattr(micro_batch, "free_memory_bytes", lambda: 3 * 10**9)
    assert micro_batch.choose_micro_batch(experiment_of([CONV], memory="2GB"), plan).budget_bytes == 2 * 10**9
    assert micro_batch.choose_micro_batch(experiment_of([CONV]), plan).budget_bytes == 3 * 10**9
    assert micro_batch.choose_micro_batch(experiment_of([CONV]), plan, on_accelerator=True).budget_bytes is None
    monkeypatch.setattr(micro_batch, "free_memory_bytes", lambda: None)
    assert micro_batch.choose_micro_batch(experiment_of([CONV]), plan).budget_bytes is None


def test_a_refusal_names_whose_budget_it_is(monkeypatch):
    plan = plan_of(CONV)
    with pytest.raises(
        RunError, match=re.escape("net: training.memory 500MB is too little: a micro-batch of one case")
    ):
        micro_batch.choose_micro_batch(experiment_of([CONV], memory="500MB"), plan)
    monkeypatch.setattr(micro_batch, "free_memory_bytes", lambda: 500_000_000)
    with pytest.raises(RunError, match=re.escape("net: on this machine 0.50 GB are free: a micro-batch of one case")):
        micro_batch.choose_micro_batch(experiment_of([CONV]), plan)


def test_batch_norm_and_a_budget_of_the_moment_are_reported(caplog):
    caplog.set_level(logging.INFO, logger="archnet")
    micro = plan_micro_batches(MEMORY, 300, 2 * 10**9)
    plan = plan_of({**CONV, "batch_norm": True})
    micro_batch.log_micro_batch(micro, plan, is_default_budget=True)
    assert caplog.messages == [
        micro.describe(),
        "a whole batch does not fit in the free memory, so gradients are accumulated over micro-batches. To get the "
        'same micro-batches again, set training.memory to "2.00 GB".',
        "batch norm statistics are computed over 75 cases, not over the full batch of 300, so results differ from those "
        "without splitting. Allow more memory, or set training.batch_size to 75 and a lower learning rate.",
    ]
    caplog.clear()
    micro_batch.log_micro_batch(plan_micro_batches(MEMORY, 300), plan, is_default_budget=True)
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("version", [1, 2])
def test_a_containers_limit_counts_as_what_is_free(tmp_path, monkeypatch, version):
    group = tmp_path / ("memory/box" if version == 1 else "box")
    group.mkdir(parents=True)
    names = ("limit_in_bytes", "usage_in_bytes") if version == 1 else ("max", "current")
    for name, size in zip(names, ("5000000", "3000000"), strict=True):
        (group / f"memory.{name}").write_text(f"{size}\n")
    (group / "memory.stat").write_text("cache 9\ninactive_file 1000000\n")
    (tmp_path / "groups").write_text("4:memory:/box\n" if version == 1 else "0::/box\n")
    (tmp_path / "meminfo").write_text("MemTotal: 99 kB\nMemAvailable: 8000 kB\n")
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(machine, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(machine, "_GROUP_ROOT", tmp_path)
    monkeypatch.setattr(machine, "resident_memory_bytes", lambda: 100)
    assert machine.free_memory_bytes() == 3_000_100
    (group / f"memory.{names[0]}").write_text("max" if version == 2 else str(2**63 - 4096))
    assert machine.free_memory_bytes() == 8000 * 1024 + 100
    monkeypatch.setattr(machine, "_MEMINFO", tmp_path / "missing")
    assert machine.free_memory_bytes() is None


@pytest.mark.slow
def test_a_run_within_a_budget_says_in_its_log_and_files_in_which_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("archnet.spec.memory.PROCESS_BYTES", 0)
    generator = np.random.default_rng(0)
    np.savez(tmp_path / "cases.npz", x=generator.random((40, 16, 16)), y=np.arange(40) % 2)
    (tmp_path / "net.json").write_text(json.dumps([CONV, *END]))
    arguments = ["run", str(tmp_path / "net.json"), "--data", f"npz:{tmp_path / 'cases.npz'}", "--memory", "200kB"]
    options = ["--set", "training.epochs=1", "--set", "training.batch_size=16", "--out", str(tmp_path / "out")]
    result = COMMAND.invoke(app, [*arguments, *options])
    assert result.exit_code == 0, result.output
    network = json.loads((tmp_path / "out/net/network.json").read_text())
    assert 1 < network["parts"] == -(-16 // network["micro_batch"])
    assert f"over {network['parts']} micro-batches of at most" in (tmp_path / "out/net/log.txt").read_text()
    assert json.loads((tmp_path / "out/net/experiment.json").read_text())["training"]["memory"] == "200kB"


@pytest.mark.long
def test_a_resumed_run_keeps_its_micro_batches_regardless_of_the_free_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("archnet.spec.memory.PROCESS_BYTES", 0)
    generator = np.random.default_rng(0)
    np.savez(tmp_path / "cases.npz", x=generator.random((40, 16, 16)), y=np.arange(40) % 2)
    (tmp_path / "net.json").write_text(json.dumps([CONV, *END]))
    seen = []
    monkeypatch.setattr(runner, "predict_cases", lambda *given: seen.append(given[3]) or predict_cases(*given))

    def told_with(free, out, *options):
        monkeypatch.setattr(micro_batch, "free_memory_bytes", lambda: free)
        keys = [word for key in ("epochs=2", "batch_size=16") for word in ("--set", f"training.{key}")]
        line = ["run", str(tmp_path / "net.json"), "--data", f"npz:{tmp_path / 'cases.npz'}", *keys]
        return COMMAND.invoke(app, [*line, "--out", str(tmp_path / out), *options])

    assert told_with(200_000, "whole").exit_code == 0
    with monkeypatch.context() as patched:
        patched.setattr(loop.Evaluator, "evaluate", lambda *_: {}["power failure"])
        patched.setattr(loop.Checkpoint, "is_due", lambda _: True)
        assert told_with(200_000, "again").exit_code == 1
    assert told_with(10**9, "again", "--resume").exit_code == 0
    network, whole = (json.loads((tmp_path / out / "net/network.json").read_text()) for out in ("again", "whole"))
    assert {**network, "memory_bytes": 200_000} == {**whole, "memory_bytes": 200_000}
    assert network["micro_batch"] < 16
    assert seen == [network["micro_batch"]] * 2
    log = (tmp_path / "again/net/log.txt").read_text()
    assert log.count(f"over {network['parts']} micro-batches of at most") == 2
    assert log.count("does not fit in the free memory") == 1
    predictions = [(tmp_path / out / "net/predictions.csv").read_bytes() for out in ("whole", "again")]
    assert predictions[0] == predictions[1]


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's peak")
def test_the_prediction_is_near_the_measured_peak():
    command = [sys.executable, str(ROOT / "experiments/bench_memory.py"), "--json", "--only", "3D small (arch3dsm)"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    (row,) = json.loads(done.stdout)["rows"]
    assert abs(row["error"]) < 0.25
    assert abs(row["error_above_process"]) < 0.35


@pytest.mark.parametrize(
    ("activation", "num_stored", "initializer"),
    [
        ("relu", 0, "he_normal"),
        ("tanh", 0, "glorot_uniform"),
        ("sigmoid", 0, "glorot_uniform"),
        ("leaky_relu", 1, "he_normal"),
        ("elu", 0, "he_normal"),
        ("selu", 0, "lecun_normal"),
        ("gelu", 3, "he_normal"),
        ("silu", 1.25, "he_normal"),
        ("softplus", 1, "he_normal"),
        ("relu6", 1, "he_normal"),
        ("hard_sigmoid", 1, "glorot_uniform"),
        ("hard_silu", 2, "he_normal"),
        (None, 0, "glorot_uniform"),
    ],
)
def test_every_activation_has_its_measured_values_and_its_initializer(activation, num_stored, initializer):
    known = get_activation(activation)
    assert (known.num_stored, known.initializer) == (num_stored, initializer)
    linear, own = plan_of(*[{**CONV, "activation": name} for name in (None, activation)])[:2]
    assert own.num_stored_values - linear.num_stored_values == num_stored * 16 * 16 * 4
