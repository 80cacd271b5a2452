"""`archnet export`: export a trained model with a model card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from archnet.cli.options import BreakLockOption, JsonFlag, echo, print_json


def export(
    run: Annotated[Path, typer.Argument(help="The run folder.", metavar="RUN")],
    form: Annotated[
        Literal["keras", "saved_model", "onnx"],
        typer.Option("--format", help="A Keras file, a TensorFlow folder, or ONNX (requires the extra: export)."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="New folder. Default: export-<format> in the run folder.", metavar="DIR")
    ] = None,
    break_lock: BreakLockOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Export a trained model with a model card. It maps cases in HU to class probabilities, for any batch size.

    The exported model is read back and checked against Keras on cases of the run and on noise; a model whose
    probabilities differ by more than 1e-5 is not kept.

    Examples:
        archnet export runs/phantom/arch3dsm --format onnx
    """
    from archnet.export.exported_model import TOLERANCE, export_run
    from archnet.files.locks import break_foreign_locks

    with break_foreign_locks(is_wanted=break_lock):
        exported = export_run(run, form, out)
    if as_json:
        print_json(exported.to_document())
        return
    echo(f"Model: {exported.model}")
    echo(f"Card:  {exported.card}")
    echo(
        f"Largest difference from Keras over {exported.num_real} cases of the run and {exported.num_noise} of noise: "
        f"{exported.difference:.2g} (at most {TOLERANCE:g} is allowed)"
    )
