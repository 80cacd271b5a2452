"""Synthetic whole chest scans in MosMed's layout: healthy (CT-0) and with ground-glass opacities (CT-23).

Ground-glass opacity is hazy lung in which vessels are still visible (Hansell et al. 2008, Fleischner Society: Glossary
of Terms for Thoracic Imaging, doi:10.1148/radiol.2462070712). In COVID-19 it is bilateral and peripheral, and more
frequent in lower and posterior regions (Salehi et al. 2020, doi:10.2214/AJR.20.23034).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archnet.files.progress import Progress
from archnet.imaging.nifti import write_nifti
from archnet.imaging.volume import Volume
from archnet.phantom.body import (
    HEIGHT_MM,
    MIDDLE_X_MM,
    MIDDLE_Y_MM,
    NUM_COLUMNS,
    NUM_ROWS,
    NUM_SLICES,
    SHAPE,
    SPACING_MM,
    STEP_X_MM,
    STEP_Y_MM,
    Body,
    Box,
    draw_body,
    draw_branch,
    pattern,
    simulate_scan,
)

# Increase it with every change to the drawing.
VERSION = 2
# First number of the seed of each scan. A different number generates different scans.
_STREAM = 1
CLASSES = ("CT-0", "CT-23")

_NUM_TWIGS = 220
# Width of the zone along the pleura that contains patches.
_RIM_MM = 9.0
# Range of the share of water that a patch adds to lung tissue: -860 HU becomes -650 to -330 HU.
_OPACITY = (0.25, 0.62)

Array = NDArray[np.float32]


def write_whole_scans(folder: Path, num_scans: int, seed: int, progress: Progress) -> None:
    """Write .nii.gz scans to CT-0 and CT-23 in turn; scan k does not depend on the number of scans."""
    for number in progress(range(num_scans), "Generating the phantom", num_scans):
        rng = np.random.default_rng([_STREAM, seed, number, len(CLASSES)])
        name = CLASSES[number % len(CLASSES)]
        hu = draw_whole_scan(rng, has_patches=name == "CT-23")
        x, y, z = (round(value, 2) for value in rng.uniform(-250, -50, 3).tolist())
        volume = Volume(hu=hu, spacing_mm=SPACING_MM, origin_mm=(x, y, z), direction=np.eye(3))
        (folder / name).mkdir(exist_ok=True)
        write_nifti(folder / name / f"study_{number + 1:04d}.nii.gz", volume)


def draw_whole_scan(rng: np.random.Generator, *, has_patches: bool) -> NDArray[np.int16]:
    """Draw a scan in HU, (z, y, x)."""
    body = draw_body(rng)
    _draw_twigs(rng, body)
    if has_patches:
        body.hu[:] += _haze(rng, body) * np.maximum(-body.hu, 0)  # dense structures such as vessels remain visible
    return simulate_scan(rng, body)


def _draw_twigs(rng: np.random.Generator, body: Body) -> None:
    """Draw small vessels throughout the lungs that run outward."""
    for z, y, x in rng.choice(np.argwhere(body.lung > 0.99), _NUM_TWIGS):
        place = np.array([x, y, z]) * SPACING_MM
        hilum = np.array([MIDDLE_X_MM, MIDDLE_Y_MM, HEIGHT_MM / 2])
        outward = (place - hilum) / np.linalg.norm(place - hilum)
        draw_branch(rng, body, place, outward + rng.normal(0, 0.3, 3), float(rng.uniform(0.75, 1.5)))


def _haze(rng: np.random.Generator, body: Body) -> Array:
    """Opacity of each voxel, from 0 (unchanged) to 1 (water): patches with ragged, soft edges and texture."""
    rim = _rim(body.lung)
    edge_noise = 0.28 * _unit_variance(pattern(rng, (2.4, 6.0, 6.0))) + 0.16 * _unit_variance(
        pattern(rng, (1.2, 2.5, 2.5))
    )
    haze = np.zeros(SHAPE, np.float32)
    for centre_mm in _patch_centres(rng, rim):
        radius_mm, opacity, inwards = rng.uniform(12, 36), rng.uniform(*_OPACITY), rng.uniform(0.1, 1)
        radii_mm = (radius_mm, radius_mm, radius_mm * rng.uniform(0.5, 0.8))
        box, distance = _ellipsoid(body, centre_mm, radii_mm)
        share = np.clip((1 - distance + edge_noise[box]) / 0.35, 0, 1) * (rim[box] + inwards * (1 - rim[box]))
        haze[box] = np.maximum(haze[box], opacity * share)
    grain = np.clip(1 + 0.22 * _unit_variance(pattern(rng, (0.6, 1.1, 1.1))), 0.2, 1.8)
    haze *= grain * body.lung
    return haze


def _rim(lung: Array) -> Array:
    """Proximity to the pleura: 1 at the border of the lungs, decreasing to 0 about 2 cm inside; 0 outside the lungs."""
    from scipy import ndimage

    width = _RIM_MM / np.array(SPACING_MM[::-1])
    rim: Array = np.clip(2 - 2 * ndimage.gaussian_filter(lung, width), 0, 1) * (lung > 0.5)
    return rim


def _patch_centres(rng: np.random.Generator, rim: Array) -> NDArray[np.float64]:
    """Draw points (n, 3), each (x, y, z) in mm: along the chest wall, more of them in lower and posterior regions."""
    z, y, x = np.ogrid[:NUM_SLICES, :NUM_ROWS, :NUM_COLUMNS]
    across, down = np.abs(x * STEP_X_MM - MIDDLE_X_MM), y * STEP_Y_MM - MIDDLE_Y_MM
    outer = (rim > 0.3) & ((across > 45) | (down > 30))
    weight = np.where(outer, np.exp(-z / 16) * (1 + np.clip(down, -30, 60) / 45), 0).ravel()
    voxels = rng.choice(weight.size, int(rng.integers(14, 28)), replace=False, p=weight / weight.sum())
    centres: NDArray[np.float64] = np.stack(np.unravel_index(voxels, SHAPE)[::-1], axis=1) * np.array(SPACING_MM)
    return centres


def _ellipsoid(
    body: Body, centre_mm: NDArray[np.float64], radii_mm: tuple[float, float, float]
) -> tuple[Box, NDArray[np.float64]]:
    """Return the box around a patch, and the distance of its voxels from the centre in radii, (z, y, x)."""
    across, down, up = radii_mm
    box, (z, y, x) = body.neighbourhood(tuple(centre_mm.tolist()), (2 * across, 2 * down, 2 * up))
    away = (((x - centre_mm[0]) / across) ** 2, ((y - centre_mm[1]) / down) ** 2, ((z - centre_mm[2]) / up) ** 2)
    return box, np.sqrt(sum(away))


def _unit_variance(grains: Array) -> Array:
    """Scale a texture to standard deviation 1."""
    scaled: Array = grains / grains.std()
    return scaled
