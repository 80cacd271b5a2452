"""Montages: axial slices side by side, upright and grey, each with its caption; a volume with a strip of neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from archnet.report.figures.slices import central_index, strip_indices
from archnet.report.figures.theme import LIGHT, Theme, new_figure
from archnet.report.run_files import RunFiles
from archnet.report.wording import percent, short_case

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUM_PICTURES: Final = 16
"""Cases of each kind on a page or in a montage."""

_INCHES = 1.85  # width of a picture; the lengths below but the title's are in widths of a picture
_GAP = 0.07
_LINE = 0.075
_TITLE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """One case to look at.

    Attributes:
        image: Shape (height, width) or (height, width, depth), uint8, 0 black and 255 white.
        case: The case's name.
        truth: Its class.
        predicted_class: The class it was taken for; None where that doesn't matter.
        confidence: Probability of that class.
    """

    image: NDArray[np.uint8]
    case: str
    truth: str
    predicted_class: str | None = None
    confidence: float | None = None

    @property
    def is_volume(self) -> bool:
        """Whether there are neighbouring slices to show."""
        return self.image.ndim == 3


def gallery_pictures(run: RunFiles, kind: str) -> list[Picture]:
    """The gallery's cases of one kind ("sample" or "wrong") with what `predictions.csv` says about them."""
    if run.gallery is None:
        return []
    rows = {case: row for row, case in enumerate(run.predictions.cases.tolist())}
    indices = [k for k in np.flatnonzero(run.gallery.kinds == kind) if str(run.gallery.cases[k]) in rows]
    pictures = [_picture(run, run.gallery.images[k], rows[str(run.gallery.cases[k])]) for k in indices]
    return _add_predictions(run, pictures, rows) if kind == "wrong" else pictures


def _picture(run: RunFiles, image: NDArray[np.uint8], row: int) -> Picture:
    truth = run.classes[int(run.predictions.y_true[row])]
    return Picture(image=image, case=str(run.predictions.cases[row]), truth=truth)


def _add_predictions(run: RunFiles, pictures: list[Picture], rows: dict[str, int]) -> list[Picture]:
    """The pictures with what each case was taken for, and how surely."""
    y_pred = run.predictions.predicted_classes(positive=run.positive, threshold=_decision_threshold(run))
    probabilities = run.predictions.probabilities
    return [
        replace(
            picture,
            predicted_class=run.classes[int(y_pred[rows[picture.case]])],
            confidence=float(probabilities[rows[picture.case], y_pred[rows[picture.case]]]),
        )
        for picture in pictures
    ]


def _decision_threshold(run: RunFiles) -> float | None:
    thresholds = [run.metrics[name].get("threshold") for name in run.sets]
    return next((value for value in thresholds if value is not None), None)


def central_slice(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The axial slice in the middle, index depth // 2; an image as it is."""
    return image[:, :, central_index(image.shape[2])] if image.ndim == 3 else image


def caption(picture: Picture) -> str:
    """What a picture shows, in two short lines."""
    if picture.predicted_class is None:
        return f"{picture.truth}\n{short_case(picture.case)}"
    prediction = f"predicted {picture.predicted_class}, {percent(picture.confidence)}"
    return f"truth {picture.truth}\n{prediction}\n{short_case(picture.case)}"


def montage_figure(pictures: Sequence[Picture], title: str, *, columns: int = 4, theme: Theme = LIGHT) -> Figure:
    """A grid of pictures with captions; empty when there is nothing to show."""
    rows = max(1, -(-len(pictures) // columns))
    lines = max((caption(picture).count("\n") + 1 for picture in pictures), default=1)
    has_strip = any(picture.is_volume for picture in pictures)
    row_height = 1.08 + (0.22 if has_strip else 0.0) + lines * _LINE
    width, height = columns * (1 + _GAP) * _INCHES, rows * row_height * _INCHES
    figure = new_figure((width + 0.2, height + _TITLE), theme)
    axes = figure.add_axes((0.1 / (width + 0.2), 0, width / (width + 0.2), height / (height + _TITLE)))
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        _draw_picture(axes, picture, (column * (1 + _GAP), -row * row_height), theme)
    axes.set(xlim=(-_GAP / 2, columns * (1 + _GAP) - _GAP / 2), ylim=(-rows * row_height, 0.01))
    axes.set_axis_off()
    figure.text(0.15 / (width + 0.2), 1 - 0.32 / (height + _TITLE), title, size=11, weight="bold")
    return figure


def _draw_picture(axes: Axes, picture: Picture, corner: tuple[float, float], theme: Theme) -> None:
    """Draw one picture, one unit wide, with its upper left corner at `corner`."""
    left, top = corner
    bottom = top - 1.0
    _draw_slice(axes, central_slice(picture.image), (left, bottom, 1.0))
    if picture.is_volume:
        central = central_index(picture.image.shape[2])
        indices = strip_indices(picture.image.shape[2], central) or [central]
        size = 1.0 / len(indices)
        bottom -= 0.01 + size
        for place, index in enumerate(indices):
            edge = theme.accent if index == central else None
            _draw_slice(axes, picture.image[:, :, index], (left + place * size, bottom, size - 0.01), edge=edge)
    colour = theme.ink if picture.predicted_class is None else theme.wrong
    axes.text(left, bottom - 0.03, caption(picture), va="top", ha="left", size=7, color=colour, linespacing=1.35)


def _draw_slice(
    axes: Axes, pixels: NDArray[np.uint8], square: tuple[float, float, float], edge: str | None = None
) -> None:
    """Draw one slice upright (row 0 on top) into the square at (left, bottom, size)."""
    left, bottom, size = square
    extent = (left, left + size, bottom, bottom + size)
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, extent=extent, origin="upper", interpolation="bicubic")
    if edge is not None:
        corners_x = [left, left + size, left + size, left, left]
        axes.plot(corners_x, [bottom, bottom, bottom + size, bottom + size, bottom], color=edge, lw=1.2)
