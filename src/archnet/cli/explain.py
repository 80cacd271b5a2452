"""`archnet explain`: what in a scan decided."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from archnet.cli.options import JsonFlag, print_json
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
        typer.Option(help="The candidate, for a run on candidates: its world position in mm, LPS.", metavar="X,Y,Z"),
    ] = None,
    method: Annotated[
        Literal["gradcam", "occlusion"],
        typer.Option(
            help="gradcam: what in the last convolution speaks for the class. occlusion: by how much its probability "
            "falls when a box is hidden behind air; slower."
        ),
    ] = "gradcam",
    class_name: Annotated[
        str | None, typer.Option("--class", help="The class asked about; otherwise the run's positive one.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the two files.", metavar="DIR")] = Path("explanations"),
    as_json: JsonFlag = False,
) -> None:
    """Show what in a scan decided: a picture of slices (.png) and a heat map that viewers open over the scan (.nii.gz).

    The heat map has the grid, origin and axes of the scan's own file, and is 0 where the network did not look.

    Examples:
        archnet explain runs/mosmed/ct3d patient.nii.gz

        archnet explain runs/luna16/arch3dsm scan.mhd --at=-100.6,67.3,-231.8 --method occlusion
    """
    from archnet.inference.explain import METHODS
    from archnet.inference.explain import explain as explained
    from archnet.inference.scan_paths import scan_name, scan_paths
    from archnet.inference.trained_run import read_trained_runs

    trained_run = _single_run(read_trained_runs([run]), run)
    point = _parse_point(trained_run, at)
    label = _class_index(trained_run, class_name)
    (path, *others) = scan_paths([scan])
    if others:
        raise RunError(f"{scan}: {len(others) + 1} scans are here. Name one of them, such as {path}.")
    from archnet.cli.console import progress
    from archnet.network.backend import start_quietly

    start_quietly()
    explanation = explained(trained_run, path, label, method, point, progress)
    case, label_name = scan_name(path), trained_run.classes[label]
    name_parts = [trained_run.folder.resolve().name, case, *([at.replace(",", "_")] if at else []), label_name, method]
    name = re.sub(r"[^\w.+-]", "_", "-".join(name_parts))
    position_text = f" at {at} mm" if at else ""
    title = f"{case}{position_text}\n{label_name}: {100 * explanation.probability:.2f}%  {trained_run.folder}"
    files = _write_files(explanation, path, out / name, title, METHODS[method])
    _print_warnings(explanation, path, label_name)
    if as_json:
        probability = {"class": label_name, "probability": explanation.probability}
        print_json({"files": [str(file) for file in files], **probability, "warnings": explanation.warnings})
    else:
        typer.echo("\n".join(f"Wrote {file}" for file in files))


def _single_run(runs: list[TrainedRun], path: Path) -> TrainedRun:
    if len(runs) > 1:
        raise RunError(f"{path}: {len(runs)} runs are here. Name one of them, such as {runs[0].folder}.")
    return runs[0]


def _parse_point(run: TrainedRun, at: str | None) -> Point | None:
    """The candidate's position, where the run is on candidates.

    Raises:
        ArchnetError: It is missing, too much, or not three numbers.
    """
    if run.kind == "arrays":
        raise RunError(
            f"{run.folder}: this run was trained on the arrays of an .npz file, so no scan can be cut alike."
        )
    if run.kind == "candidates" and at is None:
        raise RunError(f"{run.folder}: this run judges candidates. Say which with --at=X,Y,Z, in mm.")
    if at is None:
        return None
    if run.kind != "candidates":
        raise RunError(f"{run.folder}: this run judges whole scans. Leave out --at.")
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


def _write_files(explanation: Explanation, scan: Path, stem: Path, title: str, meaning: str) -> list[Path]:
    from archnet.files.atomic import atomic_write
    from archnet.inference.explain import write_heat_map
    from archnet.report.figures.heat_map import heat_figure
    from archnet.report.figures.run_figures import theme_context

    picture, volume = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.nii.gz")
    with theme_context(), atomic_write(picture) as draft:
        heat_figure(explanation.image, explanation.heat, title, meaning).savefig(draft, format="png")
    with atomic_write(volume) as draft:
        write_heat_map(draft, scan, explanation.scan_heat)
    return [picture, volume]


def _print_warnings(explanation: Explanation, scan: Path, name: str) -> None:
    for sentence in explanation.warnings:
        typer.echo(f"Warning: {scan} is unlike the training data: {sentence}", err=True)
    if explanation.heat.max() <= 0:
        typer.echo(
            f"Warning: the heat map is empty: nothing here speaks for {name}. Ask about another class with --class.",
            err=True,
        )
