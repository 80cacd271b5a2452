"""How many samples and steps an epoch has: rotated copies, class balancing, batches, micro-batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

import numpy as np

from archnet.spec.augmentations import Augmentation


def counts_with_copies(counts: Sequence[int], augmentations: Iterable[Augmentation], positive: int) -> list[int]:
    """Training cases of each class together with the rotated copies that the augmentations add.

    Args:
        counts: Training cases of each class.
        augmentations: Of `training.augmentation`.
        positive: Index of the positive class.

    >>> from archnet.spec.augmentations import RotatedCopies
    >>> counts_with_copies([90, 10], [RotatedCopies(angles=(90, 180))], positive=1)
    [90, 30]
    """
    entries = tuple(augmentations)
    return [
        count * (1 + sum(len(entry.copy_angles(is_positive=label == positive)) for entry in entries))
        for label, count in enumerate(counts)
    ]


def oversampled_counts(counts: Sequence[int], balance: str | float) -> list[int] | None:
    """Samples of each class in an epoch where rare classes are oversampled; null where each case comes once.

    Every class gets its share of about as many samples as there are cases, rounded up.

    Args:
        counts: Cases of each class.
        balance: `training.balance`; a number r lifts each class to 1/r of the largest, "oversample" to the largest.

    >>> oversampled_counts([60, 6, 34], 2)
    [49, 25, 28]
    """
    ratio = 1.0 if balance == "oversample" else balance
    present = [count for count in counts if count]
    if isinstance(ratio, str) or not present or max(present) <= ratio * min(present):
        return None
    lifted = [max(count, max(present) / ratio) if count else 0 for count in counts]
    total = float(np.sum([share for share in lifted if share]))  # Python's own sum rounds otherwise since 3.12
    return [ceil(share / total * sum(counts)) for share in lifted]


def samples_per_class(counts: Sequence[int], balance: str | float) -> list[int]:
    """Samples of each class in an epoch; see `oversampled_counts`."""
    return oversampled_counts(counts, balance) or list(counts)


def steps_per_epoch(num_samples: int, batch_size: int) -> int:
    """Steps that go through all samples; the last batch may be smaller."""
    return ceil(num_samples / batch_size)


def cases_at_once(batch_size: int, micro_batch: int | None = None, num_devices: int = 1) -> int:
    """Most cases that go through the network, or through a device's copy of it, at once.

    Args:
        batch_size: Cases a step.
        micro_batch: Cases of a micro-batch; null is the whole batch.
        num_devices: Devices that divide a micro-batch.
    """
    return ceil(min(micro_batch or batch_size, batch_size) / num_devices)
