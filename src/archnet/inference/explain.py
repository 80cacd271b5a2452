"""Saliency maps: the evidence for a class in a case, on the grid of its scan."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from archnet.data.recipe import Recipe
from archnet.data.scan_ranges import mean_hu
from archnet.files.progress import Progress, no_progress
from archnet.imaging import Volume, orient_to_lps, read_stored_frame
from archnet.imaging.nifti import write_nifti_as_stored
from archnet.imaging.scan_files import series_to_read
from archnet.imaging.scan_grid import crop_grid, resample_to_scan, resized_grid
from archnet.imaging.scan_names import scan_name
from archnet.imaging.volume import Point
from archnet.inference.candidates import point_recipe
from archnet.inference.predict import check_chest_ct, out_of_distribution_warnings, whole_scan_recipe
from archnet.inference.trained_run import TrainedOn, TrainedRun, find_trainings
from archnet.runs.gallery.feature_heat import heat_on_features, upsample_heat
from archnet.spec.view import network_input, picture_text, scale_picture, window_limits

Method = Literal["gradcam", "occlusion"]

METHODS: Final[dict[Method, str]] = {
    "gradcam": "Grad-CAM, share of the largest value",
    "occlusion": "drop in probability when a box is replaced by air",
}
"""The meaning of the values of each heat map."""


_HEAT_MAP_BITS: Final = 10
"""Bits to which a heat map is rounded in its file, so that it compresses well."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """A case with its saliency map for a class.

    Attributes:
        run: The run folder.
        scan: The scan's file or DICOM folder.
        point_mm: The candidate's position (x, y, z), LPS; None for a whole scan.
        class_name: The explained class.
        method: Saliency method, "gradcam" or "occlusion".
        image: (height, width, depth) the cropped case, scaled to [0, 1] by the first window.
        heat: (height, width, depth) heat map of the case; see `METHODS`.
        scan_heat: (z, y, x) the heat map on the scan's grid in LPS, 0 outside the case.
        probability: Probability of the class.
        warnings: Out-of-distribution warnings.
        trained_on: The run, if it was trained on the scan.
        series: The chosen series of a DICOM folder; None if none was chosen.
        shown: The window of `image`, if the network has several.
        files: Paths of the picture (.png) and the heat map (.nii.gz); empty if they are not written.
    """

    run: Path
    scan: Path
    point_mm: Point | None
    class_name: str
    method: Method
    image: NDArray[np.float32]
    heat: NDArray[np.float32]
    scan_heat: NDArray[np.float32]
    probability: float
    warnings: list[str]
    trained_on: list[TrainedOn]
    series: str | None = None
    shown: str = ""
    files: tuple[Path, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no evidence for the class was found."""
        return bool(self.heat.max() <= 0)

    def _repr_png_(self) -> bytes:
        """The picture, for notebooks."""
        return draw_explanation(self)

    def to_document(self) -> dict[str, Any]:
        """The result, JSON-ready, as `archnet explain --json` prints it."""
        return {
            "files": [str(file) for file in self.files],
            "class": self.class_name,
            "probability": self.probability,
            "warnings": self.warnings,
            "trained_on": [training.to_document() for training in self.trained_on],
        }


def explain_scan(  # noqa: PLR0913 - the options of `archnet explain`, by name
    run: TrainedRun,
    scan: Path,
    label: int,
    method: Method = "gradcam",
    point_mm: Point | None = None,
    progress: Progress = no_progress,
    *,
    series: str | None = None,
) -> Explanation:
    """Explain the prediction of a whole scan, or of the candidate at a point, with a heat map.

    Args:
        run: A run on whole scans or on candidates.
        scan: A file or DICOM folder.
        label: Index of the class to explain.
        method: Saliency method.
        point_mm: The candidate's position (x, y, z), LPS; None for a run on whole scans.
        progress: Wraps the items of a long loop.
        series: The CT series to read in a DICOM folder that contains several.

    Raises:
        ArchnetError: The scan is rejected, the point lies outside it, the network has no convolution or
            outputs NaN.
    """
    from archnet.network.predict import predict_probabilities
    from archnet.network.trained_model import load_run_model, nan_error

    if point_mm is None:
        recipe: Recipe = whole_scan_recipe(run, [scan], series)
    else:
        recipe = point_recipe(run, scan, point_mm, series)
    chest_ct = check_chest_ct(scan, recipe.read(0))
    volume = chest_ct.volume
    ((_, values),) = recipe.cut_volume(0, volume)
    model = load_run_model(run.folder)
    images = network_input(values, run.experiment)
    probability = float(predict_probabilities(model, images, np.zeros(1, np.int64))[0, label])
    if math.isnan(probability):
        raise nan_error(run.folder / "model.keras", f"outputs NaN instead of probabilities for {scan}")
    heat = _expand_to_case(_heat_map(run, model, images[0], label, method, progress), run)
    limits = window_limits(run.experiment.data)
    return Explanation(
        run=run.folder,
        scan=scan,
        point_mm=point_mm,
        class_name=run.classes[label],
        method=method,
        image=scale_picture(values[0], limits),
        shown=picture_text(limits),
        heat=heat,
        scan_heat=_resample_to_scan(heat, run, volume, point_mm),
        probability=probability,
        warnings=out_of_distribution_warnings(chest_ct, mean_hu(values[0], limits.hull), [run]),
        trained_on=find_trainings([run], chest_ct.record.identity),
        series=series_to_read(scan, series),
    )


def _heat_map(
    run: TrainedRun, model: Any, image: NDArray[Any], label: int, method: Method, progress: Progress
) -> NDArray[np.float32]:
    """The heat map (height, width[, depth]) of the network's input image."""
    from archnet.network.explain import grad_cam, occlusion

    if method == "occlusion":
        return occlusion(model, image, label, progress)
    heats = grad_cam(model, run.experiment.arch, image, label)
    num_channels = image.shape[-1] * run.experiment.data.num_windows
    found = run.experiment.arch.feature_map((*image.shape[:-1], num_channels))
    if found is None:
        return np.zeros(image.shape[:-1], np.float32)
    heat = upsample_heat(heat_on_features(heats, found), found.grid, image.shape[:-1])
    return heat / (heat.max() or 1)


def _resample_to_scan(
    heat: NDArray[np.float32], run: TrainedRun, volume: Volume, point_mm: Point | None
) -> NDArray[np.float32]:
    """Resample the heat map of a case to the grid of its scan."""
    if point_mm is None:
        return resample_to_scan(heat, resized_grid(volume.hu.shape, run.crop_size))
    return resample_to_scan(heat, crop_grid(volume, point_mm, run.crop_size, run.experiment.data.spacing_mm))


def _expand_to_case(heat: NDArray[np.float32], run: TrainedRun) -> NDArray[np.float32]:
    """A heat map on a case; for a 2D network, on its input slice, or on all slices if they are channels."""
    if heat.ndim == 3:
        return heat
    depth = run.crop_size[2]
    if run.experiment.data.view == "slices-as-channels":
        return np.repeat(heat[..., np.newaxis], depth, axis=2)
    volume_heat = np.zeros(run.crop_size, np.float32)
    volume_heat[..., depth // 2] = heat
    return volume_heat


def draw_explanation(explanation: Explanation) -> bytes:
    """Draw the slices with the heat map as a PNG."""
    from archnet.report.figures.heat_map import heat_figure
    from archnet.report.figures.theme import theme_context

    buffer = io.BytesIO()
    with theme_context():
        figure = heat_figure(
            explanation.image,
            explanation.heat,
            _title(explanation),
            METHODS[explanation.method],
            mark=_candidate_voxel(explanation),
        )
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _title(explanation: Explanation) -> str:
    point = explanation.point_mm
    position = f" at ({', '.join(f'{value:.1f}' for value in point)}) mm" if point else ""
    shown = f" ({explanation.shown})" if explanation.shown else ""
    probability = f"{explanation.class_name}: {100 * explanation.probability:.2f}%"
    probability += " (no evidence found)" if explanation.is_empty else ""
    return f"{scan_name(explanation.scan)}{position}{shown}\n{probability}  {explanation.run}"


def _candidate_voxel(explanation: Explanation) -> tuple[int, int, int] | None:
    """The row, column and slice of the candidate in its crop; None for a whole scan."""
    if explanation.point_mm is None:
        return None
    height, width, depth = explanation.image.shape
    return height // 2, width // 2, depth // 2


def write_heat_map(path: Path, scan: Path, heat: NDArray[np.float32], series: str | None = None) -> None:
    """Write a heat map as .nii.gz with the grid, origin and axes of its scan's file.

    Args:
        path: The new file.
        scan: The scan's file or DICOM folder.
        heat: (z, y, x) in LPS, as `Explanation.scan_heat`.
        series: As in `Explanation`.
    """
    frame = read_stored_frame(scan, series)
    stored = np.zeros(frame.hu.shape, np.float32)
    step = 2.0 ** (math.floor(math.log2(np.abs(heat).max() or 1)) - _HEAT_MAP_BITS)
    view_in_lps = orient_to_lps(replace(frame, hu=stored)).hu  # assignment to it restores the axes of the file
    view_in_lps[:] = np.round(heat / step) * step
    write_nifti_as_stored(path, replace(frame, hu=stored))
