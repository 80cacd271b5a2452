"""Gallery of cases, each with all its slices in one picture, small enough for a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.report.figures.montage import Picture
from archnet.report.figures.slices import central_index, image_uri, strip_indices
from archnet.report.wording import short_case

PAGE_PIXELS: Final = 3_500_000
"""Maximum number of pixels of all pictures of a page; incompressible noise takes 4/3 bytes per pixel."""

_SHORTEST_SIDE: Final = 48

Pixels = NDArray[np.uint8]


def cards(pictures: Sequence[Picture], num_on_page: int) -> list[dict[str, Any]]:
    """The values of the template for each case.

    Args:
        pictures: The cases.
        num_on_page: Number of all cases of the page, which share its size limit.
    """
    return [_card(picture, PAGE_PIXELS // max(1, num_on_page)) for picture in pictures]


def _card(picture: Picture, max_pixels: int) -> dict[str, Any]:
    slices, indices = shrink_image(picture.image, max_pixels)
    height, width, count = slices.shape
    return {
        "case": picture.case,
        "short_case": short_case(picture.case),
        "truth": picture.truth,
        "predicted": picture.predicted_class,
        "confidence": picture.confidence,
        "sprite": image_uri(slices.transpose(2, 0, 1).reshape(count * height, width)),
        "width": width,
        "height": height,
        "first": indices[0],
        "step": indices.step,
        "depth": picture.image.shape[2] if picture.is_volume else 1,
        "count": count,
        "central": central_position(indices, picture),
        "strip": strip_indices(count, central_position(indices, picture)),
    }


def central_position(indices: range, picture: Picture) -> int:
    """The index, among the kept slices, of the central slice (depth // 2)."""
    return indices.index(central_index(picture.image.shape[2])) if picture.is_volume else 0


def shrink_image(image: Pixels, max_pixels: int) -> tuple[Pixels, range]:
    """Reduce an image or volume to at most `max_pixels` pixels, (height, width, slices), with its slice indices.

    First, slices are reduced down to 48 pixels on their shorter side; then slices other than the central one are
    dropped.
    """
    volume = image if image.ndim == 3 else image[:, :, np.newaxis]
    height, width, depth = volume.shape
    factor, step = 1, 1
    while (height // factor) * (width // factor) * (-(-depth // step)) > max_pixels and step < depth:
        if min(height, width) // (factor + 1) >= _SHORTEST_SIDE:
            factor += 1
        else:
            step += 1
    indices = range(central_index(depth) % step, depth, step)
    return _downsample(volume[:, :, indices.start :: step], factor), indices


def _downsample(volume: Pixels, factor: int) -> Pixels:
    """Average blocks of factor x factor pixels; incomplete blocks are dropped."""
    if factor == 1:
        return volume
    height, width = (size // factor for size in volume.shape[:2])
    covered_volume = volume[: height * factor, : width * factor]
    blocks = covered_volume.reshape(height, factor, width, factor, -1)
    means: Pixels = blocks.mean(axis=(1, 3)).round().astype(np.uint8)
    return means
