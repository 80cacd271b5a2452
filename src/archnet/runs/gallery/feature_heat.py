"""Heat maps on the voxels of a network's input, from its features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archnet.imaging.scan_grid import interpolate
from archnet.spec.layers import Grid, Shape
from archnet.spec.layers.feature_map import FeatureMap


def upsample_heat(heat: NDArray[np.float32], grid: Grid, shape: Shape) -> NDArray[np.float32]:
    """Interpolate a heat map of features to the voxels of the input."""
    places = zip(shape, grid, strict=True)
    return interpolate(heat, [(np.arange(n, dtype=np.float64) - axis.start) / axis.step for n, axis in places])


def heat_of_planes(heats: Sequence[NDArray[np.float32]], found: FeatureMap) -> NDArray[np.float32]:
    """Place the heat maps of planes in their volume: 0 off the planes, the maximum where planes intersect."""
    volume = np.zeros(found.shape[:-1], np.float32)
    for heat, plane, grid in zip(heats, found.planes, found.plane_grids, strict=True):
        np.maximum.at(volume, plane.voxels(volume.shape), upsample_heat(heat, grid, plane.shape(volume.shape)))
    return volume


def heat_on_features(heats: Sequence[NDArray[np.float32]], found: FeatureMap) -> NDArray[np.float32]:
    """One heat map of an image on `FeatureMap.grid`, from the maps of `GradCam.compute`."""
    return heat_of_planes(heats, found) if found.planes else heats[0]
