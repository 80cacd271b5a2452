"""`archnet show`: print a network layer by layer, or draw augmented versions of a case."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archnet.cli.options import (
    DataOption,
    JsonFlag,
    MemoryOption,
    RootOption,
    load_command_experiments,
    parse_input_shape,
    print_json,
    print_messages,
    print_paths,
    set_option,
)
from archnet.cli.start.document_completion import complete_archs
from archnet.errors import DocumentError
from archnet.files.documents.json_text import shorten_path

if TYPE_CHECKING:
    from archnet.spec.arch import PlannedLayer
    from archnet.spec.experiment import Experiment
    from archnet.spec.memory import MicroBatch


def show(
    file: Annotated[
        Path,
        typer.Argument(
            help="Architecture: a file or a name (archnet list). With --augment, an experiment is accepted as well.",
            metavar="ARCH",
            autocompletion=complete_archs,
        ),
    ],
    input_text: Annotated[
        str | None,
        typer.Option("--input", help="Spatial input, such as 64x64x10. Default: the file's, or 64x64 and 64x64x10."),
    ] = None,
    classes: Annotated[int, typer.Option(help="Number of classes.", min=2, max=65536)] = 2,
    batch: Annotated[int, typer.Option(help="Batch size for the memory estimate.", min=1, max=65536)] = 64,
    memory: MemoryOption = None,
    augment: Annotated[
        Path | None,
        typer.Option(help="Draw augmented versions of a case to this PNG file.", metavar="PNG"),
    ] = None,
    data: DataOption = None,
    root: RootOption = None,
    settings: Annotated[
        list[str] | None,
        set_option("With --augment: override any key of the experiment, such as training.augmentation=[]."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a network: layers, shapes, parameters, multiply-adds, memory. With --augment, draw augmented cases instead.

    Examples:
        archnet show arch3dsm --input 64x64x10 --batch 300

        archnet show arch3dsm --augment augmented.png --data phantom
    """
    if augment:
        experiments, notes = load_command_experiments([file], data, root, settings or [])
        print_messages(notes)
        print_paths([_draw_augmentation(experiments[0], augment)], as_json)
        return
    from archnet.spec.arch import parse_arch
    from archnet.spec.cost import network_summary, receptive_field
    from archnet.spec.resolve import read_arch_document
    from archnet.spec.speeds.notes import speed_notes

    arch = parse_arch(read_arch_document(file))
    plan = arch.plan(parse_input_shape(input_text), classes)
    feature_map = arch.feature_map(parse_input_shape(input_text))
    summary = network_summary(plan, _plan_micro_batch(plan, batch, memory)) | receptive_field(feature_map)
    print_messages(f"warning: {warning}" for warning in arch.warnings())
    notes = speed_notes((row.layer, row.input_shape) for row in plan)
    if as_json:
        print_json({**summary, "speed_notes": notes})
    else:
        from archnet.api.console import stdout
        from archnet.report.network_table import network_table

        stdout.print(network_table(arch.name, summary))
        for note in notes:
            stdout.print(note, highlight=False, markup=False)


def _plan_micro_batch(plan: tuple[PlannedLayer, ...], batch_size: int, memory: str | None) -> MicroBatch:
    from archnet.spec.memory import estimate_memory, parse_bytes, plan_micro_batches

    try:
        return plan_micro_batches(estimate_memory(plan), batch_size, None if memory is None else parse_bytes(memory))
    except ValueError as error:
        raise DocumentError(f"--memory {shorten_path(memory or '')}: {error}") from None


def _draw_augmentation(experiment: Experiment, path: Path) -> Path:
    from archnet.api.console import progress
    from archnet.network.backend import start_quietly
    from archnet.runs.preview import draw_case

    start_quietly()
    return draw_case(experiment, "first", path, progress)
