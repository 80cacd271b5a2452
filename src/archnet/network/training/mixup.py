"""Mixup (Zhang et al. 2018, arXiv:1710.09412): each sample of an epoch is mixed with another sample of the epoch.

Images are mixed in the graph after scaling: clipping to the window is not linear, so a mean of raw values, such as
those of metal and air, is not the mean of the images. They are mixed before augmentation, so a sample and its partner
share one random transformation. Augmentations move voxels, or are linear in their values up to clipping; the result is
therefore that of mixing two images augmented with the same random numbers, at the cost of one augmentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.network.random_numbers import Stream, epoch_generator
from archnet.spec.experiment import Mixup

Tensor = Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EpochMix:
    """The partners of the samples of an epoch.

    Attributes:
        partners: (M,) position in the epoch of the partner of each sample; each sample is the partner of one.
        shares: (M,) share of the partner in the image, 0 to 0.5, float32.
    """

    partners: NDArray[np.int64]
    shares: NDArray[np.float32]


def draw_mix(labels: NDArray[np.int64], mixup: Mixup, seed: int, epoch: int) -> EpochMix:
    """Draw the partners of the samples of one epoch, and their shares.

    The share is the smaller one of Beta(alpha, alpha) and its complement. As the partner is random and the distribution
    symmetric, this changes no probability; but the label of the sample itself always has the larger share, so class
    balancing and the accuracy of an epoch use it.

    Args:
        labels: (M,) label of each sample, in the order of the epoch; within a class, samples that have only a soft
            label are mixed with each other.
        mixup: The options.
        seed: Seed of the training.
        epoch: Index of the epoch, from 0.
    """
    generator = epoch_generator(Stream.MIXUP, seed, epoch)
    draws = generator.beta(mixup.alpha, mixup.alpha, labels.size)
    partners = np.arange(labels.size)
    for members in _groups(labels, mixup):
        partners[members] = generator.permutation(members)
    return EpochMix(partners=partners, shares=np.minimum(draws, 1 - draws).astype(np.float32))


def _groups(labels: NDArray[np.int64], mixup: Mixup) -> list[NDArray[np.int64]]:
    """Positions of the samples that are mixed with each other."""
    if not mixup.within_class:
        return [np.arange(labels.size)]
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def mix_labels(
    mix: EpochMix, weights: NDArray[np.float32], soft: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """Mix the labels of samples, so that the loss is the mean of the weighted losses of both, by their shares.

    The losses are linear in the label, so this is one loss. The weight of a case thus belongs to its label: a heavy
    case has a larger part in the label of a mixed sample, and classes with equal total weights keep them. Equal labels
    stay unchanged.

    Args:
        mix: The partners.
        weights: (M,) weight of each sample in the loss.
        soft: (M, classes) share of each class in the label of each sample.

    Returns:
        `weights`, (M,), and `soft`, (M, classes), of the mixed samples.
    """
    shares = mix.shares.astype(np.float64)
    own, other = (1 - shares) * weights, shares * weights[mix.partners]
    total = own + other
    mixed = (own[:, np.newaxis] * soft + other[:, np.newaxis] * soft[mix.partners]) / total[:, np.newaxis]
    return {"weights": total.astype(np.float32), "soft": mixed.astype(np.float32)}


def mix_images(images: Tensor, partners: Tensor, shares: Tensor) -> Tensor:
    """Mix images with their partners inside the graph.

    Args:
        images: (N, height, width[, depth], channels) in [0, 1].
        partners: The partners, with the same shape.
        shares: (N,) share of each partner.
    """
    shares = ops.reshape(shares, (-1, *(1,) * (len(images.shape) - 1)))
    return images * (1 - shares) + partners * shares
