"""What the commands print is readable in terminals of 60 and 80 columns: no column vanishes, no number is cut."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from archnet.api.check_data import check_data
from archnet.cli.bench import bench_table
from archnet.cli.bench_layers import layer_table
from archnet.evaluation.comparison.comparison import compare
from archnet.evaluation.froc.curve import compute_froc
from archnet.evaluation.froc.hits import Findings, Marks, ReferenceStandard
from archnet.files.atomic import write_json
from archnet.inference.predict_files import ScanResult
from archnet.inference.predictions_table import predictions_table
from archnet.report.data_check_table import data_check_table
from archnet.report.froc_table import froc_summary
from archnet.report.network_table import network_table
from archnet.report.run_files import read_run
from archnet.report.strata.froc_strata_table import froc_strata_table
from archnet.report.terminal.shipped_tables import shipped_tables
from archnet.report.terminal.terminal_tables import comparison_table, run_summary
from archnet.report.twin_table import twin_table
from archnet.runs.benchmark.layer_speeds import LayerSpeed
from archnet.runs.benchmark.measure import BenchmarkResult
from archnet.spec.arch import load_arch
from archnet.spec.cost import network_summary, receptive_field
from archnet.spec.memory import estimate_memory, plan_micro_batches
from archnet.spec.shipped.shipped_list import shipped_list
from archnet.spec.twins.twin_network import make_twin
from archnet.spec.twins.twin_summary import twin_summary
from archnet.sweep.report.status_table import sweep_table
from archnet.sweep.results.leaderboard import read_leaderboard
from archnet.sweep.results.trials import SWEEP_FILE
from archnet.versus.plan.plan_file import plan_document
from archnet.versus.report.versus_table import plan_table, versus_table
from archnet.versus.results.versus_result import read_result
from checked_data import write_squares
from command_line import ROOT
from long_tests import long_except
from narrow_terminal import NARROW, narrow_text
from small_sweeps import DROP_OUT, WIDTH, make_schedule, small_sweep
from small_sweeps import write_run as write_trial
from synthetic_runs import write_run
from versus_folders import durations_of, make_plan, write_versus

CLASSES = ("non-nodule", "benign nodule", "malignant nodule")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of two and of three classes, by the number of classes."""
    folder = tmp_path_factory.mktemp("runs")
    names = ("archsm", "arch3dsm", "res3d_wide_match_macs", "dense2d")
    return {
        2: [write_run(folder / "two" / name, skill=k + 1) for k, name in enumerate(names)],
        3: [write_run(folder / "three" / name, skill=k + 1, classes=CLASSES) for k, name in enumerate(names[:2])],
    }


def network():
    arch = load_arch(ROOT / "archs/arch3dsm.json")
    plan = arch.plan()
    summary = network_summary(plan, plan_micro_batches(estimate_memory(plan), 64, None))
    return network_table(arch.name, summary | receptive_field(arch.feature_map()))


def twin():
    arch = load_arch(ROOT / "archs/arch3dsm.json")
    return twin_table(twin_summary(arch, make_twin(arch, 2, match="macs"), "macs"))


def predictions(classes):
    probabilities = np.random.default_rng(0).dirichlet(np.ones(len(classes)), size=100)
    return predictions_table(
        ScanResult(
            runs=(Path("runs/mosmed/ct3d"),),
            classes=classes,
            tta=True,
            scans=tuple(Path(f"/data/clinic/patients/study_{k:04}.nii.gz") for k in range(100)),
            probabilities=probabilities,
            warnings={},
            rejected={},
            trained_on={},
            undefined={},
            unknown_runs=(),
        )
    )


def froc(num_scans=40):
    series = [f"scan {number}" for number in range(num_scans)]
    nodules = Findings(series=series, points_mm=np.zeros((num_scans, 3)), diameters_mm=np.full(num_scans, 10.0))
    scores = np.random.default_rng(0).random(num_scans)
    marks = Marks(series=series, points_mm=np.zeros((num_scans, 3)), scores=scores)
    nothing = Findings(series=(), points_mm=np.zeros((0, 3)), diameters_mm=np.zeros(0))
    reference = ReferenceStandard(series=series, nodules=nodules, excluded=nothing)
    return compute_froc(marks, reference, bootstraps=20)


def layers():
    speed = {"dense_step_seconds": 0.0995, "macs_ratio": 0.0625, "step_ratio": 12.34, "inference_ratio": 45.67}
    speeds = [
        LayerSpeed(kind="C, groups = channels", channels=channels, input_shape=(8, 8, 256), error=3.2e-07, **speed)
        for channels in (64, 256)
    ]
    return layer_table(speeds, "bfloat16", "Keras on tensorflow, CPU")


def benchmark(**changes):
    return bench_table(BenchmarkResult(**{**BENCHMARK, **changes}), "Keras 3.15.1 on tensorflow, CPU")


BENCHMARK = {
    "arch": "arch3dsm",
    "data": "phantom",
    "input_shape": (64, 64, 10, 1),
    "batch_size": 300,
    "micro_batch": 43,
    "precision": "bfloat16",
    "num_steps": 10,
    "num_rounds": 5,
    "load": 1.2,
    "first_step_seconds": 2.5,
    "step_samples_per_second": 1812.4,
    "pipeline_samples_per_second": 1705.1,
    "pipeline_share": 0.94,
    "matmul_macs_per_second": 1.2e11,
    "matmul_share": 0.33,
    "memory_bytes": 1_200_000_000,
    "predicted_memory_bytes": 1_100_000_000,
}


def lines_of(table, width):
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(table)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_measurements_are_named_on_the_left_and_aligned_on_the_right():
    assert lines_of(benchmark(), 100) == [
        "arch3dsm on phantom, 64x64x10x1, batch 300 in",
        "micro-batches of 43, bfloat16",
        "",
        "  training, batches in memory       1,812.4 samples/s",
        "  training, whole pipeline          1,705.1 samples/s",
        "  pipeline, relative to in memory                 94%",
        "  first step                                   2.50 s",
        "  matrix multiplication             120 G mult-adds/s",
        "  network, of this rate                           33%",
        "  peak memory of training                      1.2 GB",
        "  predicted                                    1.1 GB",
        "",
        "Keras 3.15.1 on tensorflow, CPU; load 1.2; medians of 5",
        "rounds of 10 steps.",
    ]
    narrow = "\n".join(lines_of(benchmark(), 45))
    for text in ("pipeline, relative to in memory", "120 G mult-adds/s"):  # no name and no number is broken
        assert text in narrow
    plain = " ".join(lines_of(benchmark(micro_batch=300, load=None, memory_bytes=None), 100))
    assert "batch 300, bfloat16" in plain
    assert "CPU; medians" in plain
    assert "peak memory of training                     unknown" in plain


def test_types_of_layers_are_named_once_and_their_numbers_aligned_on_the_right():
    assert lines_of(layers(), 100) == [
        "Layers relative to a dense convolution with the same receptive field, bfloat16",
        "",
        " layer                  channels   dense step   mult-adds    step   inference   error",
        " ────────────────────────────────────────────────────────────────────────────────────",
        " C, groups = channels         64      99.5 ms       0.062   12.34       45.67   3e-07",
        "                             256      99.5 ms       0.062   12.34       45.67   3e-07",
        "",
        "Keras on tensorflow, CPU; medians over rounds that measure both.",
        "error: outputs and gradients, relative to Keras.",
    ]
    narrow = "\n".join(lines_of(layers(), 50))
    for text in ("C, groups = channels", "dense step", "99.5 ms"):
        assert text in narrow


@pytest.mark.parametrize("width", NARROW)
@pytest.mark.parametrize(
    "make",
    [
        network,
        twin,
        lambda: predictions(("normal", "pneumonia")),
        lambda: predictions(tuple(f"interstitial pattern {k}" for k in range(9))),
        lambda: froc_summary(froc()),
        lambda: froc_strata_table({"8 to 15": froc(), "over 15": froc(20)}),
        layers,
        benchmark,
    ],
    ids=["show", "twin", "predict", "predict, 9 classes", "froc", "froc --by", "bench --layers", "bench"],
)
def test_a_table_keeps_every_column(make, width):
    narrow_text(make(), width)


@pytest.mark.parametrize("width", NARROW)
def test_the_list_of_shipped_documents_keeps_every_column(width):
    for table in shipped_tables(shipped_list()):
        narrow_text(table, width)


@pytest.mark.parametrize("width", NARROW)
def test_a_data_check_keeps_every_column(tmp_path, width):
    data = f"npz:{write_squares(tmp_path / 'squares.npz')}"
    narrow_text(data_check_table(check_data(data, quick=True, progress=False).to_document()), width)


@pytest.mark.slow
@pytest.mark.parametrize("width", NARROW)
@pytest.mark.parametrize("num_classes", [2, 3])
def test_the_end_of_a_run_keeps_every_column(runs, num_classes, width):
    narrow_text(run_summary(read_run(runs[num_classes][0])), width)


@pytest.mark.slow
@pytest.mark.parametrize("width", NARROW)
@pytest.mark.parametrize(("num_classes", "num_runs"), [(2, 2), (2, 3), (2, 4), (3, 2)])
def test_a_comparison_keeps_every_column(runs, num_classes, num_runs, width):
    narrow_text(comparison_table(compare(runs[num_classes][:num_runs])), width)


@pytest.mark.parametrize("width", NARROW)
def test_the_status_of_a_sweep_keeps_every_column(tmp_path, width):
    sweep = small_sweep(tmp_path, space={WIDTH: [2, 4], DROP_OUT: [5, 10], "training.learning_rate": [0.01]})
    write_json(tmp_path / SWEEP_FILE, sweep.to_document())
    schedule = make_schedule(sweep, tmp_path)
    for _ in range(3):
        job = schedule.next_job()
        schedule.mark_running(job)
        write_trial(tmp_path, job, [0.5, 0.7])
        schedule.finish_job(job, "finished", None)
    narrow_text(sweep_table(read_leaderboard(sweep, tmp_path), is_running=False, optimism=0.01), width)


@pytest.mark.slow
@pytest.mark.parametrize("width", long_except({60}, NARROW))
def test_the_plan_and_the_answer_of_a_versus_keep_every_column(tmp_path, width):
    plan = make_plan(tmp_path, matches=("none", "macs", "parameters"), seeds=2)
    large = tuple(replace(one, parameters=1_422_334, macs=2_310_000_000) for one in plan.variants)
    narrow_text(plan_table(replace(plan, variants=large), plan_document(plan, durations_of(plan, 86_000.0))), width)
    skills = {one.name: 1.0 + number for number, one in enumerate(plan.variants)}
    result = read_result(plan, write_versus(tmp_path / "out", plan, skills))
    costs = {"parameters": 1_422_334, "macs": 2_310_000_000, "train_seconds": 86_000.5}
    rows = [replace(one, row=replace(one.row, costs=one.row.costs | costs)) for one in result.variants]
    narrow_text(versus_table(replace(result, variants=tuple(rows))), width)
