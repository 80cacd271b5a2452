"""Montages: axial slices with captions side by side; a volume also shows a strip of neighbouring slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.report.figures.slices import central_index, image_uri, strip_indices
from archnet.report.figures.svg import Drawing, colour, element, text, text_width
from archnet.report.run_files import RunFiles
from archnet.report.wording import percent, reported_set, short_case
from archnet.spec.experiment import ranges_of
from archnet.spec.view import InputLimits, picture_text

NUM_PICTURES: Final = 16
"""Maximum number of cases of each kind on a page or in a montage."""

_SIDE: Final = 176
_GAP: Final = 14
_LINE_HEIGHT: Final = 16
_TITLE_HEIGHT: Final = 38


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """One displayed case.

    Attributes:
        image: Shape (height, width) or (height, width, depth), uint8, 0 black and 255 white.
        case: The case's name.
        truth: Its class.
        predicted_class: Its predicted class; None to omit it.
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
    """The gallery's cases of one kind ("sample" or "wrong", of the reported set) with their predictions."""
    if run.gallery is None:
        return []
    rows = {case: row for row, case in enumerate(run.predictions.cases.tolist())}
    indices = [k for k in np.flatnonzero(run.gallery.kinds == kind).tolist() if str(run.gallery.cases[k]) in rows]
    if kind == "wrong":
        indices = [
            k for k in indices if run.predictions.sets[rows[str(run.gallery.cases[k])]] == reported_set(run.sets)
        ]
    pictures = [_picture(run, run.gallery.picture(k), rows[str(run.gallery.cases[k])]) for k in indices]
    return _add_predictions(run, pictures, rows) if kind == "wrong" else pictures


def shown_channel(experiment: Mapping[str, Any] | None) -> str:
    """The channel and window of the pictures, if the network has several; otherwise empty.

    Args:
        experiment: The content of experiment.json.

    >>> shown_channel({"data": {"name": "luna16", "window_hu": [[-1350, 150], [-160, 240]]}})
    'window -1350 to 150'
    """
    data = (experiment or {}).get("data") or {}
    uses_windows = "window_hu" in data and isinstance(data.get("range", "auto"), str)
    windows = ranges_of(data["window_hu"]) if uses_windows else ((0.0, 1.0),)
    return picture_text(InputLimits(windows=tuple((window,) * data.get("channels", 1) for window in windows)))


def _picture(run: RunFiles, image: NDArray[np.uint8], row: int) -> Picture:
    truth = run.classes[int(run.predictions.y_true[row])]
    return Picture(image=image, case=str(run.predictions.cases[row]), truth=truth)


def _add_predictions(run: RunFiles, pictures: list[Picture], rows: dict[str, int]) -> list[Picture]:
    """The pictures with their predicted classes and probabilities."""
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
    """The central axial slice, index depth // 2; an image unchanged."""
    return image[:, :, central_index(image.shape[2])] if image.ndim == 3 else image


def caption(picture: Picture) -> list[str]:
    """The caption of a picture, in short lines."""
    if picture.predicted_class is None:
        return [picture.truth, short_case(picture.case)]
    prediction = f"predicted {picture.predicted_class}, {percent(picture.confidence)}"
    return [f"true class {picture.truth}", prediction, short_case(picture.case)]


def montage_drawing(pictures: Sequence[Picture], title: str, columns: int = 4) -> Drawing:
    """Draw a grid of pictures with captions.

    Images keep the resolution of the data; the viewer enlarges them.
    """
    captions = [caption(picture) for picture in pictures]
    strip_height = max(_strip_side(picture) + 2 if picture.is_volume else 0 for picture in pictures)
    row_height = _SIDE + strip_height + _LINE_HEIGHT * max(map(len, captions)) + 20
    pitch = max(_SIDE, *(text_width(line) for lines in captions for line in lines)) + _GAP
    parts = [text(title, _GAP, 24, font_size=15, font_weight="bold", fill=colour("ink"))]
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        parts.append(_draw_picture(picture, _GAP + column * pitch, _TITLE_HEIGHT + row * row_height))
    return Drawing(
        width=_GAP + pitch * min(columns, len(pictures)),
        height=_TITLE_HEIGHT + row_height * -(-len(pictures) // columns),
        elements="".join(parts),
        alt=f"{title}: {len(pictures)} cases.",
    )


def _draw_picture(picture: Picture, left: float, top: float) -> str:
    """Draw a picture with its strip and its caption; its upper left corner is at (left, top)."""
    bottom, parts = top + _SIDE, [_draw_slice(central_slice(picture.image), left, top, _SIDE)]
    if picture.is_volume:
        parts.append(_draw_strip(picture, left, bottom + 2))
        bottom += 2 + _strip_side(picture)
    hue = colour("ink" if picture.predicted_class is None else "wrong")
    lines = enumerate(caption(picture), start=1)
    return "".join([*parts, *(text(line, left, bottom + 3 + _LINE_HEIGHT * k, fill=hue) for k, line in lines)])


def _strip(picture: Picture) -> list[int]:
    """Indices of the slices in the strip below a volume's central slice."""
    central = central_index(picture.image.shape[2])
    return strip_indices(picture.image.shape[2], central) or [central]


def _strip_side(picture: Picture) -> float:
    return _SIDE / len(_strip(picture))


def _draw_strip(picture: Picture, left: float, top: float) -> str:
    """Draw the strip of neighbouring slices, with a frame around the central one."""
    side, central = _strip_side(picture), central_index(picture.image.shape[2])
    parts = [
        _draw_slice(picture.image[:, :, index], left + place * side, top, side - 2)
        for place, index in enumerate(_strip(picture))
    ]
    edge = {"x": left + _strip(picture).index(central) * side, "y": top, "width": side - 2, "height": side - 2}
    return "".join(parts) + element("rect", **edge, fill="none", stroke=colour("accent"), stroke_width=2)


def _draw_slice(pixels: NDArray[np.uint8], left: float, top: float, side: float) -> str:
    """Draw one slice upright (row 0 on top) into a square."""
    return element("image", x=left, y=top, width=side, height=side, **{"xlink:href": image_uri(pixels)})
