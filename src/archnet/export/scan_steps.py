"""Preprocessing of a scan in words, precise enough to build the same input array without archnet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archnet.spec.experiment import ranges_of


def describe_whole_scan(data: Mapping[str, Any]) -> list[str]:
    """The steps from a whole scan to a volume of the model's input, each of one or more sentences.

    Args:
        data: The options of the run's data: `crop_size` is (height, width, depth), `window_hu` is in Hounsfield units.
    """
    height, width, depth = data["crop_size"]
    windows = ranges_of(data["window_hu"])
    low, high = min(window[0] for window in windows), max(window[1] for window in windows)
    clipping = "the window" if len(windows) == 1 else "the range of all windows"
    return [
        "Read the whole scan in Hounsfield units (rescale slope and intercept applied) and convert them to float32.",
        "Reorient it: permute and flip its axes, without interpolation, to match LPS as closely as possible: "
        "x to the left, y to the back, z to the head. The array is A[y, x, z], (height, width, depth). Do not rotate "
        "it otherwise: for a file stored as LAS, like those of MosMed, this step is the rotation by 90 degrees in the "
        "Keras CT tutorial.",
        "Only if the height R differs from the width C: swap the shape of the planes, as that rotation does. Let m "
        "be min(R, C) and s = (R - C) // 2, rounded down; B has C rows and R columns, all of them "
        f"{low:g}; with a = max(s, 0) and b = max(-s, 0), B[b:b+m, a:a+m] = A[a:a+m, b:b+m].",
        f"Clip to {clipping}: values below {low:g} become {low:g}, those above {high:g} become {high:g}. Clip "
        "before resizing.",
        f"Resize it to {height} × {width} × {depth} (height × width × depth) by linear interpolation along each axis, "
        f"without smoothing and regardless of the spacing. Corner voxels stay corners: of n voxels that become k, "
        "voxel i of the result is at i · (n - 1) / (k - 1), and a single one at 0 (scipy.ndimage.zoom with order=1 "
        "and grid_mode=False).",
        "Add a channel axis at the end. The values are still Hounsfield units, as float32.",
    ]
