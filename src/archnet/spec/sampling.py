"""Numbers of samples and steps per epoch: rotated copies, class balancing, batches, micro-batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

import numpy as np

from archnet.spec.augmentations import Augmentation


def counts_with_copies(counts: Sequence[int], augmentations: Iterable[Augmentation], positive: int) -> list[int]:
    """Number of training cases of each class, including the rotated copies that augmentations add.

    Args:
        counts: Number of training cases of each class.
        augmentations: Entries of `training.augmentation`.
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
    """Number of samples of each class in an epoch with oversampling; null without oversampling.

    The total is about the number of cases; the number of each class is rounded up.

    Args:
        counts: Number of cases of each class.
        balance: `training.balance`; a number r raises each class to 1/r of the largest, "oversample" to the largest.

    >>> oversampled_counts([60, 6, 34], 2)
    [49, 25, 28]
    """
    ratio = 1.0 if balance == "oversample" else balance
    present = [count for count in counts if count]
    if isinstance(ratio, str) or not present or max(present) <= ratio * min(present):
        return None
    lifted = [max(count, max(present) / ratio) if count else 0 for count in counts]
    total = float(np.sum([share for share in lifted if share]))  # since Python 3.12, sum rounds differently
    return [ceil(share / total * sum(counts)) for share in lifted]


def samples_per_class(counts: Sequence[int], balance: str | float) -> list[int]:
    """Number of samples of each class in an epoch; see `oversampled_counts`."""
    return oversampled_counts(counts, balance) or list(counts)


def steps_per_epoch(num_samples: int, batch_size: int) -> int:
    """Number of steps per epoch; the last batch may be smaller."""
    return ceil(num_samples / batch_size)


def cases_at_once(batch_size: int, micro_batch: int | None = None, num_devices: int = 1) -> int:
    """Maximum number of cases in a micro-batch, per device.

    Args:
        batch_size: Number of cases per step.
        micro_batch: Number of cases per micro-batch; null is the whole batch.
        num_devices: Number of devices among which a micro-batch is divided.
    """
    return ceil(min(micro_batch or batch_size, batch_size) / num_devices)
