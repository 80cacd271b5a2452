"""Feature vectors that are similar for copies, even if they are shifted, flipped or rotated.

A shift changes the phases of a Fourier spectrum but hardly its magnitudes; a flip or a right-angle rotation permutes
the magnitudes of frequencies. Magnitudes sorted among those that a flip or rotation exchanges are therefore nearly the
same for all such copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.duplicates.thumbnails import SIDE, Floats, zoom_thumbnails

NUM_DIMENSIONS: Final = 128
_FREQUENCIES: Final = np.arange(0, 6, 0.5)
"""Frequencies in cycles over height and width. Finer ones differ between copies that are shifted by two voxels."""
_DEPTH_FREQUENCIES: Final = np.arange(0, 3, 0.5)
_MAX_SAMPLES: Final = 1024
_CONSTANT: Final = 1e-4
"""A component that all vectors share, so that cases are similar if nothing else distinguishes them."""
_CHUNK: Final = 256


@dataclass(frozen=True, slots=True, eq=False)
class SpectrumBasis:
    """The main directions in which the spectra of a data set differ.

    Attributes:
        mean: (m,)
        directions: (m, at most 128), divided by the square root of their standard deviations, so that the few
            directions that all images share do not dominate.
    """

    mean: Floats
    directions: Floats

    def project(self, thumbnails: NDArray[np.floating], scale: float = 1, depth_scale: float = 1) -> Floats:
        """Feature vectors of length 1, or 0 for a constant case: (n, at most 129).

        Args:
            thumbnails: (n, 16, 16, depth), result of `make_thumbnails`.
            scale: The central part of the height and the width to use.
            depth_scale: The central part of the depth to use.
        """
        vectors = np.zeros((len(thumbnails), self.directions.shape[1] + 1), np.float32)
        for start in range(0, len(thumbnails), _CHUNK):
            part = slice(start, start + _CHUNK)
            zoomed = zoom_thumbnails(thumbnails[part].astype(np.float32), scale, depth_scale)
            projected = np.full((len(zoomed), vectors.shape[1]), _CONSTANT, np.float32)
            projected[:, :-1] = (_spectra(zoomed) - self.mean) @ self.directions
            projected[~zoomed.any((1, 2, 3))] = 0
            norms = np.linalg.norm(projected, axis=1, keepdims=True)
            vectors[part] = projected / np.maximum(norms, np.finfo(np.float32).tiny)
        return vectors


def fit_basis(thumbnails: NDArray[np.floating], num_dimensions: int = NUM_DIMENSIONS) -> SpectrumBasis:
    """Fit the basis of a data set to at most 1,024 evenly spaced cases; at least two are required."""
    rows = np.unique(np.linspace(0, len(thumbnails) - 1, min(len(thumbnails), _MAX_SAMPLES)).round().astype(np.int64))
    spectra = np.concatenate(
        [_spectra(thumbnails[part].astype(np.float32)) for part in np.array_split(rows, -(-len(rows) // _CHUNK))]
    )
    mean = spectra.mean(0)
    centred = (spectra - mean).astype(np.float64)
    # Singular vectors from the smaller Gram matrix: there are more frequencies than samples.
    powers, mixtures = np.linalg.eigh(centred @ centred.T / len(rows))
    keep = np.argsort(powers)[::-1][: min(num_dimensions, len(rows) - 1)]
    keep = keep[powers[keep] > 1e-9 * powers.max()]
    directions = centred.T @ mixtures[:, keep] / np.sqrt(len(rows) * powers[keep])
    return SpectrumBasis(mean=mean, directions=(directions / powers[keep] ** 0.25).astype(np.float32))


def _spectra(thumbnails: Floats) -> Floats:
    """Roots of the magnitudes of low frequencies: (n, m)."""
    depth = thumbnails.shape[3]
    window = _window(SIDE)[:, np.newaxis, np.newaxis] * _window(SIDE)[:, np.newaxis] * _window(depth)
    mean = (thumbnails * window).sum((1, 2, 3), keepdims=True) / window.sum()
    waves, deep_waves = _waves(SIDE), _waves(depth)
    rows = np.tensordot((thumbnails - mean) * window, waves, axes=(1, 1))  # (n, width, depth, frequency y)
    images = []
    for x_waves in (waves, waves.conj()):
        columns = np.tensordot(rows, x_waves, axes=(1, 1))  # (n, depth, frequency y, frequency x)
        for z_waves in (deep_waves,) if depth == 1 else (deep_waves, deep_waves.conj()):
            images.append(np.abs(np.tensordot(columns, z_waves, axes=(1, 1))))  # (n, y, x, z)
    orbits = np.stack([*images, *(image.transpose(0, 2, 1, 3) for image in images)])
    low, middle, high = orbits.min(0), orbits.mean(0), orbits.max(0)
    chosen = _chosen_frequencies(depth)
    spectra = np.sqrt(np.concatenate([part[:, chosen] for part in (low, middle, high)], axis=1))
    norms = np.sqrt((spectra**2).mean(1, keepdims=True))
    result: Floats = (spectra / np.maximum(norms, np.finfo(np.float32).tiny)).astype(np.float32)
    return result


@lru_cache(maxsize=8)
def _waves(length: int) -> NDArray[np.complex64]:
    """(frequencies, length) cosines and sines; one constant for a single cell."""
    frequencies = _FREQUENCIES if length == SIDE else _DEPTH_FREQUENCIES
    frequencies = frequencies[frequencies <= length / 2] if length > 1 else frequencies[:1]
    return np.exp(2j * np.pi * np.outer(frequencies, np.arange(length)) / length).astype(np.complex64)


@lru_cache(maxsize=8)
def _window(length: int) -> Floats:
    """Window function with lower weights near the border, where a shift changes the content."""
    inner = np.sin(np.pi * (np.arange(length) + 1) / (length + 1))
    return inner.astype(np.float32) if length > 2 else np.ones(length, np.float32)


@lru_cache(maxsize=8)
def _chosen_frequencies(depth: int) -> NDArray[np.bool_]:
    """Selected (y, x, z) frequencies: below the highest, and one of each pair that a rotation exchanges."""
    y, x = _FREQUENCIES[:, np.newaxis, np.newaxis], _FREQUENCIES[:, np.newaxis]
    z = _DEPTH_FREQUENCIES[: len(_waves(depth))]
    radius = np.sqrt(y**2 + x**2 + (2 * z) ** 2)
    chosen: NDArray[np.bool_] = (radius > 0) & (radius < _FREQUENCIES[-1] + 0.5) & (y <= x)
    return chosen
