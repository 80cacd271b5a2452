"""`archnet twin`: convert an architecture to 2D, 2.5D or 3D."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from archnet.cli.options import JsonFlag, echo, parse_input_shape, print_json, print_json_text
from archnet.cli.start.document_completion import complete_archs


def twin(
    file: Annotated[
        Path,
        typer.Argument(
            help="Architecture: a file or a name (archnet list).", metavar="ARCH", autocompletion=complete_archs
        ),
    ],
    rank: Annotated[
        Literal["2", "2.5", "3"],
        typer.Option(help="2: 2D layers on a plane. 2.5: 2D layers on planes of a volume. 3: 3D layers."),
    ],
    input_text: Annotated[
        str | None,
        typer.Option(
            "--input",
            help="Spatial input of the twin, such as 64x64x10. Default: that of the file; a 2D twin drops the depth.",
        ),
    ] = None,
    match: Annotated[
        Literal["none", "parameters", "macs"],
        typer.Option(
            help="Scale the twin's widths to match the parameters or multiply-adds (macs) of the original within 3%."
        ),
    ] = "none",
    classes: Annotated[int, typer.Option(help="Number of classes.", min=2, max=65536)] = 2,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the twin to this JSON file. Default: print it on stdout.", metavar="FILE"),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Convert an architecture to 2D, 2.5D or 3D, and compare parameters, multiply-adds and receptive field.

    In 3D, kernels, strides and paddings along the depth are those along the height, reduced to fit the input.
    In 2.5D, the layers before T run on the three orthogonal planes of a cube, or on every slice of other volumes, with
    attention. The JSON of the twin is printed on stdout and the comparison on stderr, unless --out or --json is given.

    Examples:
        archnet twin archsm --rank 3 --input 64x64x10 > archsm_3d.json

        archnet twin res2d --rank 3 --input 64x64x10 --match macs --out res2d_3d_macs.json

        archnet twin arch3dsm --rank 2
    """
    from archnet.files.atomic import check_output_path
    from archnet.files.path_argument import document_path
    from archnet.spec.arch import parse_arch
    from archnet.spec.resolve import read_arch_document
    from archnet.spec.twins.twin_network import make_twin
    from archnet.spec.twins.twin_summary import twin_summary

    file = document_path(file)
    check_output_path(out, [file])
    original = parse_arch(read_arch_document(file))
    made = make_twin(original, float(rank), input_shape=parse_input_shape(input_text), match=match, num_classes=classes)
    _deliver(twin_summary(original, made, match), file, out, as_json=as_json)


def _deliver(summary: dict[str, Any], file: Path, out: Path | None, *, as_json: bool) -> None:
    """Write or print the twin, and print its comparison."""
    from archnet.files.atomic import write_text
    from archnet.files.documents.house_style import compact_json

    document = compact_json(_with_schema_path(summary["arch"], file, out))
    if out:
        write_text(out, document + "\n")
    if as_json:
        print_json(summary)
    else:
        _print_table(summary, is_stderr=out is None)
    if out:
        echo(f"Wrote {out}", err=as_json)
    elif not as_json:
        print_json_text(document)


def _print_table(summary: dict[str, Any], *, is_stderr: bool) -> None:
    from archnet.api.console import stderr, stdout
    from archnet.report.twin_table import twin_lines, twin_table

    console = stderr if is_stderr else stdout
    console.print(twin_table(summary))
    for line in twin_lines(summary):
        console.print(line, soft_wrap=True)


def _with_schema_path(document: dict[str, Any], file: Path, out: Path | None) -> dict[str, Any]:
    """A document with the path of its schema relative to the folder of the output file.

    The copy of the schema in a folder that `archnet init` made takes precedence.
    """
    schema = document.get("$schema")
    if out is None or schema is None or not os.path.isfile(file.parent / schema):  # noqa: PTH113 - refuses no long name
        return document
    own = out.parent / "schemas" / Path(schema).name
    path = os.path.relpath((own if own.is_file() else file.parent / schema).resolve(), out.parent.resolve())
    return document | {"$schema": Path(path).as_posix()}
