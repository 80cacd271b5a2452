"""Augmentations of values for whole batches: intensity and noise."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from archnet.network.augmentation.distributions import rescale_uniforms, standard_normals
from archnet.spec.augmentations import Intensity, Noise

Tensor = Any


def rescale_intensity(entry: Intensity, images: Tensor, uniforms: Tensor) -> Tensor:
    """Multiply each case by its own scale, and add its own shift."""
    scale, shift = rescale_uniforms(entry.scale, uniforms[:, 0]), rescale_uniforms(entry.shift, uniforms[:, 1])
    return ops.clip(images * _broadcast_over_cases(scale, images) + _broadcast_over_cases(shift, images), 0.0, 1.0)


def add_noise(entry: Noise, images: Tensor, uniforms: Tensor) -> Tensor:
    """Add Gaussian noise to each voxel; each case has its own standard deviation."""
    normals = standard_normals(uniforms[:, 1], math.prod(images.shape[1:]))
    std = rescale_uniforms(entry.std, uniforms[:, 0])
    return ops.clip(images + ops.reshape(normals * std[:, None], ops.shape(images)), 0.0, 1.0)


def _broadcast_over_cases(values: Tensor, images: Tensor) -> Tensor:
    """Reshape (N,) values for broadcasting over images."""
    return ops.reshape(values, (-1, *(1,) * (len(images.shape) - 1)))
