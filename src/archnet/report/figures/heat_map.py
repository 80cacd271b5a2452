"""A heat map over its case: rows of slices without the heat map, and the same slices with it below."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.report.figures.slices import spread_indices
from archnet.report.figures.theme import DARK, LIGHT, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

NUM_SLICES: Final = 64
"""Maximum number of slices shown."""

Voxel = tuple[int, int, int]
"""Row, column and slice."""

_NUM_COLUMNS: Final = 8
_SIDE: Final = 1.35  # width of a slice, in inches like all lengths here
_GAP: Final = 0.04
_BAND_GAP: Final = 0.14
_HEADER: Final = 0.8
_BAR_WIDTH: Final = 0.9
_BAR_HEIGHT: Final = 2.4
_MIN_WIDTH: Final = 6.0
_MAX_OPACITY: Final = 0.6  # opacity at the highest value
_COOL, _HOT = np.array((255, 200, 0)) / 255, np.array((255, 60, 0)) / 255  # as in the case viewer of the pages


@dataclass(frozen=True, slots=True)
class _Layout:
    """Positions of slices in inches from the upper left corner: bands of two rows, without and with heat map."""

    num_slices: int
    aspect: float

    @property
    def num_bands(self) -> int:
        return ceil(self.num_slices / _NUM_COLUMNS)

    @property
    def num_columns(self) -> int:
        return ceil(self.num_slices / self.num_bands)

    @property
    def side(self) -> float:
        """Height of a slice."""
        return _SIDE * self.aspect

    @property
    def band(self) -> float:
        """Height of a band and the gap below it."""
        return 2 * self.side + _GAP + _BAND_GAP

    @property
    def right(self) -> float:
        """The lower end of the slices, where the colour bar begins."""
        return _BAND_GAP + self.num_columns * (_SIDE + _GAP)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the figure."""
        height = _HEADER + max(self.num_bands * self.band, _BAR_HEIGHT)
        return max(self.right + _BAR_WIDTH, _MIN_WIDTH), height

    def corner(self, place: int, *, is_hot: bool) -> tuple[float, float]:
        """The upper left corner of a slice by its index among those shown."""
        band, column = divmod(place, self.num_columns)
        return _BAND_GAP + column * (_SIDE + _GAP), _HEADER + band * self.band + is_hot * (self.side + _GAP)


def heat_figure(
    image: NDArray[np.float32], heat: NDArray[np.float32], title: str, meaning: str, mark: Voxel | None = None
) -> Figure:
    """Draw the slices of a case (at most `NUM_SLICES`) without and with the heat map; zero heat is transparent.

    Args:
        image: (height, width, depth) in [0, 1].
        heat: (height, width, depth); negative values count as no heat.
        title: Title of the figure; further lines are smaller, and the last one names the slices shown.
        meaning: Label of the colour bar.
        mark: The voxel of the candidate, marked by a cross on its slice.
    """
    indices = slice_indices(heat, mark)
    layout = _Layout(len(indices), image.shape[0] / image.shape[1])
    figure = new_figure(layout.size)
    axes = _paper(figure, layout)
    colours, max_heat = heat_colours(), float(max(heat.max(), 0)) or 1.0
    shares = np.clip(heat / max_heat, 0, 1)
    for place, index in enumerate(indices):
        cross = mark[:2] if mark and mark[2] == index else None
        cool, hot = layout.corner(place, is_hot=False), layout.corner(place, is_hot=True)
        _draw_slice(axes, image[:, :, index], cool, "gray", cross)
        _draw_slice(axes, image[:, :, index], hot, "gray", None)
        _draw_slice(axes, shares[:, :, index], hot, colours, cross)
        _label_slice(axes, index, cool[0], cool[1] + layout.side)
    _draw_bar(figure, layout, max_heat, meaning)
    _write_title(axes, f"{title}\n{_shown_slices(indices, heat.shape[2], mark)}")
    return figure


def slice_indices(heat: NDArray[np.float32], mark: Voxel | None = None) -> list[int]:
    """All slices; for more than `NUM_SLICES`, the hottest, the marked, and others evenly spaced.

    >>> hot = np.zeros((2, 2, 200), np.float32)
    >>> hot[0, 0, 11] = 1
    >>> indices = slice_indices(hot, (1, 1, 100))
    >>> len(indices), indices[:5], 100 in indices, slice_indices(hot[:, :, :3])
    (64, [0, 3, 7, 10, 11], True, [0, 1, 2])
    """
    depth = heat.shape[2]
    if depth <= NUM_SLICES:
        return list(range(depth))
    kept = [int(heat.max(axis=(0, 1)).argmax())] if heat.max() > 0 else []
    kept += [mark[2]] if mark else []
    spread: list[int] = spread_indices(depth, NUM_SLICES - len(kept)).tolist()
    return sorted({*spread, *kept})


def heat_colours() -> ListedColormap:
    """A colour map from transparent through yellow to red, as in the case viewer of the pages."""
    from matplotlib.colors import ListedColormap

    share = np.linspace(0, 1, 256)[:, np.newaxis]
    opacity = _MAX_OPACITY * np.minimum(1, 1.5 * share)
    return ListedColormap(np.hstack([_COOL + (_HOT - _COOL) * share, opacity]))


def _paper(figure: Figure, layout: _Layout) -> Axes:
    """Axes over the whole figure whose units are inches from its upper left corner."""
    width, height = layout.size
    axes = figure.add_axes((0, 0, 1, 1), autoscale_on=False, xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def _draw_slice(
    axes: Axes,
    pixels: NDArray[np.float32],
    corner: tuple[float, float],
    colours: str | ListedColormap,
    cross: tuple[int, int] | None,
) -> None:
    """Draw an image or its heat (height, width) in [0, 1], with a cross at a row and column."""
    (x, y), (rows, columns), pixel = corner, pixels.shape, _SIDE / pixels.shape[1]
    extent = (x, x + columns * pixel, y + rows * pixel, y)
    axes.imshow(pixels, cmap=colours, vmin=0, vmax=1, extent=extent)
    if cross is not None:
        _draw_cross(axes, x + (cross[1] + 0.5) * pixel, y + (cross[0] + 0.5) * pixel)


def _draw_cross(axes: Axes, x: float, y: float) -> None:
    """Four strokes around a point, which stays visible."""
    near, far = 0.16, 0.34
    for colour, width in (("black", 2.2), (DARK.accent, 1.0)):
        for across, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            ends = [x + across * near, x + across * far], [y + down * near, y + down * far]
            axes.plot(*ends, color=colour, linewidth=width, solid_capstyle="butt")


def _label_slice(axes: Axes, index: int, left: float, bottom: float) -> None:
    box: dict[str, Any] = {"facecolor": "black", "edgecolor": "none", "pad": 1}
    axes.text(left + 0.04, bottom - 0.05, str(index), size=6, color="white", bbox=box)


def _shown_slices(indices: list[int], depth: int, mark: Voxel | None) -> str:
    amount = f"{len(indices)} of {depth} slices" if len(indices) < depth else f"All {depth} slices"
    marked = f"; the cross marks the candidate in slice {mark[2]}" if mark else ""
    return f"{amount}, each below with the heat map{marked}."


def _write_title(axes: Axes, title: str) -> None:
    heading, _, details = title.partition("\n")
    axes.text(_BAND_GAP, 0.08, heading, size=10, weight="bold", va="top", color=LIGHT.ink)
    axes.text(_BAND_GAP, 0.30, details, size=8, va="top", color=LIGHT.faint)


def _draw_bar(figure: Figure, layout: _Layout, max_heat: float, meaning: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    (width, height), length = layout.size, _BAR_HEIGHT - _BAND_GAP
    place = ((layout.right + 0.1) / width, (height - _HEADER - length) / height, 0.12 / width, length / height)
    bar = figure.colorbar(ScalarMappable(Normalize(0, max_heat), heat_colours()), cax=figure.add_axes(place))
    bar.ax.grid(visible=False)
    bar.ax.tick_params(labelsize=6, color=LIGHT.faint, labelcolor=LIGHT.ink)
    bar.set_label(meaning, size=6, color=LIGHT.ink)
