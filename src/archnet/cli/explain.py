"""`archnet explain`: explain a prediction with a saliency map."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from archnet.cli.options import (
    JsonFlag,
    SeriesOption,
    echo,
    print_json,
    print_messages,
    print_scan_warnings,
    print_trainings,
)
from archnet.errors import DocumentError

if TYPE_CHECKING:
    from archnet.imaging.volume import Point
    from archnet.inference.explain import Explanation


def explain(
    run: Annotated[Path, typer.Argument(help="A run folder.", metavar="RUN")],
    scan: Annotated[
        Path, typer.Argument(help="A scan (.mhd, .mha, .nii, .nii.gz, .nrrd) or a DICOM folder.", metavar="SCAN")
    ],
    at: Annotated[
        str | None,
        typer.Option(help="For a run on candidates: the candidate's world position in mm, LPS.", metavar="X,Y,Z"),
    ] = None,
    method: Annotated[
        Literal["gradcam", "occlusion"],
        typer.Option(
            help="gradcam: evidence for the class in the last feature map. occlusion (slower): drop in its probability "
            "when a box is replaced by air."
        ),
    ] = "gradcam",
    class_name: Annotated[
        str | None, typer.Option("--class", help="The class to explain. Default: the run's positive class.")
    ] = None,
    series: SeriesOption = None,
    out: Annotated[Path, typer.Option(help="Folder of the two files.", metavar="DIR")] = Path("explanations"),
    as_json: JsonFlag = False,
) -> None:
    """Explain a prediction with a saliency map: a picture of slices (.png) and a heat map over the scan (.nii.gz).

    The heat map has the grid, origin and axes of the scan's own file, and is 0 outside the network's input.

    Examples:
        archnet explain runs/mosmed/ct3d patient.nii.gz

        archnet explain runs/luna16/arch3dsm scan.mhd --at=-100.6,67.3,-231.8 --method occlusion
    """
    point = _parse_point(at)
    from archnet.api.console import progress, show_messages
    from archnet.inference.explanation_files import explain_file, write_explanation

    with show_messages():
        explanation = explain_file(
            run, scan, at=point, method=method, class_name=class_name, series=series, progress=progress
        )
    explanation = write_explanation(explanation, out)
    _print_warnings(explanation)
    if as_json:
        print_json(explanation.to_document())
    else:
        echo("\n".join(f"Wrote {file}" for file in explanation.files))


def _parse_point(at: str | None) -> Point | None:
    """Parse the position of a candidate; null for a run on whole scans.

    Raises:
        DocumentError: The text is not three numbers.
    """
    if at is None:
        return None
    try:
        x, y, z = map(float, at.split(","))
    except ValueError:
        x = y = z = math.nan
    if not all(map(math.isfinite, (x, y, z))):
        raise DocumentError(f'--at "{at}": expected three numbers in mm, such as --at=-100.6,67.3,-231.8.')
    return x, y, z


def _print_warnings(explanation: Explanation) -> None:
    print_scan_warnings({explanation.scan: explanation.warnings})
    print_trainings({explanation.scan: explanation.trained_on})
    if explanation.is_empty:
        print_messages(
            [
                f"Warning: the heat map is empty: no evidence for {explanation.class_name} was found. Choose a "
                "different class with --class."
            ]
        )
