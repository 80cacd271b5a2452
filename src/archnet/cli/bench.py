"""`archnet bench`: how fast an architecture trains on this machine."""

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
    SetOption,
    experiments_of,
    input_shape,
    print_json,
)
from archnet.errors import DocumentError

if TYPE_CHECKING:
    from rich.table import Table

    from archnet.runs.benchmark import Measured


def bench(
    file: Annotated[Path, typer.Argument(help="Architecture or experiment file.", metavar="ARCH|EXPERIMENT")],
    data: DataOption = None,
    root: RootOption = None,
    input_text: Annotated[
        str | None,
        typer.Option("--input", help="Without --data: the size of random cases, such as 64x64x10; else the file's."),
    ] = None,
    classes: Annotated[int, typer.Option(help="Without --data: number of classes.", min=2)] = 2,
    batch: Annotated[
        int | None, typer.Option(help="Cases a step (training.batch_size); otherwise the experiment's, or 64.", min=1)
    ] = None,
    precision: Annotated[
        Literal["float32", "bfloat16", "float16", "auto"] | None,
        typer.Option(help="Of the training (training.precision); otherwise the experiment's, or float32."),
    ] = None,
    memory: MemoryOption = None,
    steps: Annotated[int, typer.Option(help="Steps of each of the rounds.", min=1)] = 10,
    device: DeviceOption = None,
    deterministic: DeterministicOption = False,
    settings: SetOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure how fast a network trains here, on cases in memory and through the whole pipeline, and its memory.

    Examples:
        archnet bench archs/arch3dsm.json --data phantom

        archnet bench archs/ct3d.json --batch 2 --precision bfloat16 --set training.augmentation='[{"type": "rotate"}]'
    """
    from archnet.cli.console import progress
    from archnet.network.backend import start_quietly

    given = {"batch_size": batch, "precision": precision, "memory": memory}
    told = [f"training.{key}={json.dumps(value)}" for key, value in given.items() if value is not None]
    experiment = experiments_of([file], data, root, [*(settings or []), *told])[0]
    started = start_quietly(device, is_deterministic=deterministic)

    from archnet.runs.benchmark import measure, subject_on_data, subject_on_noise

    if _names_data(file, data):
        if input_text:
            raise DocumentError(f"--input {input_text}: with data, the size is theirs. Leave one of the two out.")
        subject = subject_on_data(experiment, progress)
    else:
        subject = subject_on_noise(experiment.arch, experiment.training, input_shape(input_text), classes)
    measured = measure(subject, steps, progress=progress)
    if as_json:
        print_json({**measured.as_json(), "device": started})
    else:
        from archnet.cli.console import stdout

        stdout.print(bench_table(measured, started))


def _names_data(file: Path, data: str | None) -> bool:
    from archnet.files.strict_json import read_document
    from archnet.spec.resolve import is_arch

    return data is not None or not is_arch(read_document(file).value)


def bench_table(measured: Measured, device: str) -> Table:
    """What was measured, one line each."""
    from rich import box
    from rich.table import Table

    load = "" if measured.load is None else f"; load {measured.load:.1f}"
    parts = "" if measured.micro_batch == measured.batch_size else f" in parts of {measured.micro_batch}"
    table = Table(
        title=f"{measured.arch} on {measured.data}, {'x'.join(map(str, measured.input_shape))}, "
        f"batch {measured.batch_size}{parts}, {measured.precision}",
        caption=f"{device}{load}; medians of {measured.num_rounds} rounds of {measured.num_steps} steps.",
        box=box.SIMPLE_HEAD,
        show_header=False,
        title_justify="left",
        caption_justify="left",
    )
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for row in _rows(measured):
        table.add_row(*row)
    return table


def _rows(measured: Measured) -> list[tuple[str, str]]:
    from archnet.report.network_table import bytes_text, count_text

    memory = "unknown" if measured.memory_bytes is None else bytes_text(measured.memory_bytes)
    return [
        ("training, batches in memory", f"{measured.step_samples_per_second:,.1f} samples/s"),
        ("training, whole pipeline", f"{measured.pipeline_samples_per_second:,.1f} samples/s"),
        ("pipeline, of the step in memory", f"{measured.pipeline_share:.0%}"),
        ("first step", f"{measured.first_step_seconds:.2f} s"),
        ("matrix multiplication", f"{count_text(measured.matmul_macs_per_second)} mult-adds/s"),
        ("network, of this rate", f"{measured.matmul_share:.0%}"),
        ("peak memory of training", memory),
        ("predicted", bytes_text(measured.predicted_memory_bytes)),
    ]
