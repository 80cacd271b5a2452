"""`archnet explain`: a prediction with a saliency map."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from archnet.cli.options import JsonFlag, print_json, print_messages, print_scan_warnings
from archnet.errors import DocumentError, RunError, did_you_mean

if TYPE_CHECKING:
    from archnet.imaging.volume import Point
    from archnet.inference.explain import Explanation
    from archnet.inference.trained_run import TrainedRun


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
        str | None, typer.Option("--class", help="The class to explain; otherwise the run's positive class.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the two files.", metavar="DIR")] = Path("explanations"),
    as_json: JsonFlag = False,
) -> None:
    """Explain a prediction with a saliency map: a picture of slices (.png) and a heat map over the scan (.nii.gz).

    The heat map has the grid, origin and axes of the scan's own file, and is 0 outside the network's input.

    Examples:
        archnet explain runs/mosmed/ct3d patient.nii.gz

        archnet explain runs/luna16/arch3dsm scan.mhd --at=-100.6,67.3,-231.8 --method occlusion
    """
    from archnet.inference.trained_run import read_trained_runs

    trained_run = _single_run(read_trained_runs([run]), run)
    point = _parse_point(trained_run, at)
    label = _class_index(trained_run, class_name)
    path = _single_scan(scan)
    from archnet.cli.console import progress
    from archnet.inference.explain import explain_scan, write_explanation
    from archnet.network.backend import start_quietly

    start_quietly()
    explanation = explain_scan(trained_run, path, label, method, point, progress)
    stem, title = out / _file_stem(trained_run, path, at, label, method), _title(trained_run, path, at, label)
    title = f"{title}: {100 * explanation.probability:.2f}%  {trained_run.folder}"
    files = write_explanation(explanation, path, stem, title, method)
    _print_warnings(explanation, path, trained_run.classes[label])
    if as_json:
        probability = {"class": trained_run.classes[label], "probability": explanation.probability}
        print_json({"files": [str(file) for file in files], **probability, "warnings": explanation.warnings})
    else:
        typer.echo("\n".join(f"Wrote {file}" for file in files))


def _file_stem(run: TrainedRun, scan: Path, at: str | None, label: int, method: str) -> str:
    """The name of the two files without their endings."""
    from archnet.inference.scan_paths import scan_name

    position = [at.replace(",", "_")] if at else []
    parts = [run.folder.resolve().name, scan_name(scan), *position, run.classes[label], method]
    return re.sub(r"[^\w.+-]", "_", "-".join(parts))


def _title(run: TrainedRun, scan: Path, at: str | None, label: int) -> str:
    from archnet.inference.scan_paths import scan_name

    position = f" at {at} mm" if at else ""
    return f"{scan_name(scan)}{position}\n{run.classes[label]}"


def _single_run(runs: list[TrainedRun], path: Path) -> TrainedRun:
    if len(runs) > 1:
        raise RunError(f"{path}: contains {len(runs)} runs. Choose one, such as {runs[0].folder}.")
    return runs[0]


def _single_scan(path: Path) -> Path:
    from archnet.inference.scan_paths import scan_paths

    scan, *others = scan_paths([path])
    if others:
        raise RunError(f"{path}: contains {len(others) + 1} scans. Choose one, such as {scan}.")
    return scan


def _parse_point(run: TrainedRun, at: str | None) -> Point | None:
    """The candidate's position; null for a run on whole scans.

    Raises:
        ArchnetError: The option does not suit the run, or is not three numbers.
    """
    from archnet.inference.trained_run import check_case_kind

    check_case_kind(run, {"--at": at}, "Name one by its position in mm with --at=X,Y,Z.")
    if at is None:
        return None
    try:
        x, y, z = map(float, at.split(","))
    except ValueError:
        x = y = z = math.nan
    if not all(map(math.isfinite, (x, y, z))):
        raise DocumentError(f'--at "{at}": expected three numbers in mm, such as --at=-100.6,67.3,-231.8.')
    return x, y, z


def _class_index(run: TrainedRun, name: str | None) -> int:
    if name is None:
        return run.positive
    if name not in run.classes:
        known = ", ".join(run.classes)
        raise RunError(f'--class: no class "{name}".{did_you_mean(name, run.classes)} The run has {known}.')
    return run.classes.index(name)


def _print_warnings(explanation: Explanation, scan: Path, class_name: str) -> None:
    print_scan_warnings({scan: explanation.warnings})
    if explanation.heat.max() <= 0:
        print_messages(
            [
                f"Warning: the heat map is empty: no evidence for {class_name} was found. Choose a different class "
                "with --class."
            ]
        )
