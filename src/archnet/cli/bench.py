"""`archnet bench`: training speed and memory of an architecture on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from archnet.cli.options import (
    DataOption,
    DeterministicOption,
    DeviceOption,
    JsonFlag,
    MemoryOption,
    RootOption,
    load_command_experiments,
    parse_input_shape,
    print_json,
    print_messages,
    set_option,
)
from archnet.cli.start.document_completion import complete_documents
from archnet.errors import DocumentError

if TYPE_CHECKING:
    from rich.table import Table

    from archnet.runs.benchmark.measure import BenchmarkResult
    from archnet.runs.benchmark.workload import Workload
    from archnet.spec.experiment import Experiment


def bench(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Architecture or experiment: a file or a name (archnet list).",
            metavar="ARCH|EXPERIMENT",
            autocompletion=complete_documents,
        ),
    ] = None,
    data: DataOption = None,
    root: RootOption = None,
    input_text: Annotated[
        str | None,
        typer.Option("--input", help="Without --data: input size, such as 64x64x10. Default: the file's."),
    ] = None,
    classes: Annotated[int, typer.Option(help="Without --data: number of classes.", min=2)] = 2,
    batch: Annotated[
        int | None, typer.Option(help="Batch size (training.batch_size). Default: the experiment's, or 64.", min=1)
    ] = None,
    precision: Annotated[
        Literal["float32", "bfloat16", "float16", "auto"] | None,
        typer.Option(help="Compute dtype (training.precision). Default: the experiment's, or float32."),
    ] = None,
    memory: MemoryOption = None,
    steps: Annotated[int, typer.Option(help="Number of steps per round.", min=1)] = 10,
    layers: Annotated[
        bool, typer.Option("--layers", help="Compare types of layers with dense convolutions; takes no file.")
    ] = False,
    device: DeviceOption = None,
    deterministic: DeterministicOption = False,
    settings: Annotated[
        list[str] | None,
        set_option(
            "Override any key of the experiment, such as training.optimizer=sgd or arch.layers[0].num_output=8."
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Benchmark training on this machine: speed with batches in memory and with the full pipeline, and peak memory.

    Examples:
        archnet bench arch3dsm --data phantom

        archnet bench ct3d --batch 2 --precision bfloat16 --set training.augmentation='[{"type": "rotate"}]'

        archnet bench --layers
    """
    if layers:
        _bench_layers(file, precision or "float32", device, deterministic, as_json)
        return
    if file is None:
        raise DocumentError("bench: needs an architecture or experiment file, or --layers.")
    from archnet.api.console import progress, show_messages
    from archnet.network.backend import start_quietly

    options = {"batch_size": batch, "precision": precision, "memory": memory}
    overrides = [f"training.{key}={json.dumps(value)}" for key, value in options.items() if value is not None]
    experiments, notes = load_command_experiments([file], data, root, [*(settings or []), *overrides])
    print_messages(notes)
    experiment = experiments[0]
    with show_messages():
        device_description = start_quietly(device, is_deterministic=deterministic)

    from archnet.runs.benchmark.measure import measure

    if _is_on_data(file, data):
        workload = _data_workload(experiment, input_text)
    else:
        workload = _noise_workload(experiment, input_text, classes)
    result = measure(workload, steps, progress=progress)
    if as_json:
        print_json({**result.to_document(), "device": device_description})
    else:
        from archnet.api.console import stdout

        stdout.print(bench_table(result, device_description))


def _bench_layers(
    file: Path | None,
    precision: Literal["float32", "bfloat16", "float16", "auto"],
    device: str | None,
    deterministic: bool,
    as_json: bool,
) -> None:
    """Measure the types of layers and print a table.

    Raises:
        DocumentError: A file is given as well, or the precision is "auto".
    """
    if file is not None:
        raise DocumentError(f"--layers: takes no file, but got {file}. Remove one of the two.")
    if precision == "auto":
        raise DocumentError("--precision auto: with --layers, choose float32, bfloat16 or float16.")
    from archnet.api.console import progress, show_messages, stdout
    from archnet.cli.bench_layers import layer_table
    from archnet.network.backend import start_quietly

    with show_messages():
        device_description = start_quietly(device, is_deterministic=deterministic)

    from archnet.runs.benchmark.layer_speeds import measure_layers

    speeds = measure_layers(precision=precision, progress=progress)
    if as_json:
        print_json(
            {"device": device_description, "precision": precision, "layers": [speed.to_document() for speed in speeds]}
        )
    else:
        stdout.print(layer_table(speeds, precision, device_description))


def _data_workload(experiment: Experiment, input_text: str | None) -> Workload:
    """The workload on the experiment's data, which determine the input size.

    Raises:
        DocumentError: --input is given as well.
    """
    from archnet.api.console import progress
    from archnet.runs.benchmark.workload import load_data_workload

    if input_text:
        raise DocumentError(f"--input {input_text}: the data set determines the input size. Remove --input, or --data.")
    return load_data_workload(experiment, progress)


def _noise_workload(experiment: Experiment, input_text: str | None, num_classes: int) -> Workload:
    from archnet.runs.benchmark.workload import make_noise_workload

    return make_noise_workload(experiment.arch, experiment.training, parse_input_shape(input_text), num_classes)


def _is_on_data(file: Path, data: str | None) -> bool:
    from archnet.files.strict_json import read_document
    from archnet.spec.resolve import is_arch

    return data is not None or not is_arch(read_document(file).value)


def bench_table(result: BenchmarkResult, device: str) -> Table:
    """The measurements, one per line."""
    from rich import box

    from archnet.report.tables import FittingTable

    load = "" if result.load is None else f"; load {result.load:.1f}"
    parts = "" if result.micro_batch == result.batch_size else f" in micro-batches of {result.micro_batch}"
    table = FittingTable(
        title=f"{result.arch} on {result.data}, {'x'.join(map(str, result.input_shape))}, "
        f"batch {result.batch_size}{parts}, {result.precision}",
        caption=f"{device}{load}; medians of {result.num_rounds} rounds of {result.num_steps} steps.",
        box=box.SIMPLE_HEAD,
        show_header=False,
        title_justify="left",
        caption_justify="left",
    )
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for row in _table_rows(result):
        table.add_row(*row)
    return table


def _table_rows(result: BenchmarkResult) -> list[tuple[str, str]]:
    from archnet.report.units import bytes_text, count_text

    memory = "unknown" if result.memory_bytes is None else bytes_text(result.memory_bytes)
    return [
        ("training, batches in memory", f"{result.step_samples_per_second:,.1f} samples/s"),
        ("training, whole pipeline", f"{result.pipeline_samples_per_second:,.1f} samples/s"),
        ("pipeline, relative to in memory", f"{result.pipeline_share:.0%}"),
        ("first step", f"{result.first_step_seconds:.2f} s"),
        ("matrix multiplication", f"{count_text(result.matmul_macs_per_second)} mult-adds/s"),
        ("network, of this rate", f"{result.matmul_share:.0%}"),
        ("peak memory of training", memory),
        ("predicted", bytes_text(result.predicted_memory_bytes)),
    ]
