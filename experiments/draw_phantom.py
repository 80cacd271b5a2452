"""Draw the phantom in both layouts: nodules and vessels in neighbouring slices, lungs without and with ground glass.

python experiments/draw_phantom.py [PICTURE]
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

from archnet.imaging import crop, nearest_index
from archnet.imaging.volume import Volume
from archnet.phantom.mosmed import CLASSES, draw_whole_scan
from archnet.phantom.scan import draw_scan
from archnet.report.figures.theme import new_figure, rc_params

PICTURE = Path(__file__).parent / "pictures" / "phantom.png"
WINDOW_HU = (-1000, 400)

CANDIDATES = {"nodule": 18, "vessel\nthrough the plane": 20, "vessel\nin the plane": 22}
"""Isolated candidates of the default phantom's first scan."""
SIZE = (40, 40, 7)

SLICES = (6, 13, 20)
BODY = np.s_[42:184, 10:214]
"""The displayed rows and columns of a whole scan."""


def candidate_crops() -> dict[str, np.ndarray]:
    """A candidate of each kind, (height, width, depth)."""
    hu, candidates = draw_scan(np.random.default_rng([3, 0, 0]), 28)
    volume = Volume(hu=hu, spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0), direction=np.eye(3))
    centres = nearest_index(volume, [candidates[number].index[::-1] for number in CANDIDATES.values()])
    return {name: crop(volume, tuple(centre), SIZE) for name, centre in zip(CANDIDATES, centres.tolist(), strict=True)}


def whole_scans() -> dict[str, np.ndarray]:
    """One scan of each class of MosMed's layout, (z, y, x)."""
    return {
        name: draw_whole_scan(np.random.default_rng([1, 0, number]), has_patches=name == "CT-23")
        for number, name in enumerate(CLASSES)
    }


def show(axes, pixels: np.ndarray, title: str, row: str = "") -> None:
    """One picture with its title, and with the row's name at the start of a row."""
    axes.imshow(pixels, cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1], interpolation="bicubic")
    axes.set_title(title, size=7, pad=2, weight="normal", loc="left")
    axes.text(-0.05, 0.5, row, transform=axes.transAxes, rotation=90, size=8, ha="right", va="center")
    axes.set_axis_off()


def draw_candidates(part) -> None:
    """Draw a row for each candidate and a column for each slice."""
    grid = part.subplots(len(CANDIDATES), SIZE[2])
    part.subplots_adjust(left=0.055, right=0.995, bottom=0.01, top=0.9, wspace=0.04, hspace=0.13)
    part.suptitle("LUNA16's layout: candidates, three slices down and up", size=9, x=0.01, y=0.99, ha="left")
    for line, (name, pixels) in zip(grid, candidate_crops().items(), strict=True):
        for number, axes in enumerate(line):
            away = number - SIZE[2] // 2
            show(axes, pixels[:, :, number], f"{away:+d}" if away else "central slice", "" if number else name)


def draw_whole(part) -> None:
    """Draw a row for each scan and a column for each slice."""
    grid = part.subplots(len(CLASSES), len(SLICES))
    part.subplots_adjust(left=0.04, right=0.995, bottom=0.01, top=0.9, wspace=0.03, hspace=0.08)
    part.suptitle("MosMed's layout: whole scans, healthy and with ground glass", size=9, x=0.01, y=0.99, ha="left")
    for line, (name, hu) in zip(grid, whole_scans().items(), strict=True):
        for number, (index, axes) in enumerate(zip(SLICES, line, strict=True)):
            show(axes, hu[index][BODY], f"slice {index}", "" if number else name)


def main() -> None:
    """Write the figure in grey."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", nargs="?", type=Path, default=PICTURE, help=f"default: {PICTURE}")
    path = parser.parse_args().picture
    with matplotlib.rc_context(rc_params()):
        figure = new_figure((7.2, 6.9))
        upper, lower = figure.subfigures(2, 1, height_ratios=(3.45, 3.65))
        draw_candidates(upper)
        draw_whole(lower)
        figure.set_dpi(120)
        figure.canvas.draw()
        pixels = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("L")
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
