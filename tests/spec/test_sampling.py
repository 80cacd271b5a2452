"""How many samples and steps an epoch has: against ten lines of NumPy, and the edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archnet.spec.augmentations import Flip, RotatedCopies
from archnet.spec.sampling import cases_at_once, counts_with_copies, oversampled_counts, samples_per_class

COUNTS = st.lists(st.integers(1, 60) | st.integers(1, 10**6), min_size=2, max_size=12)
BALANCES = st.sampled_from(["none", "weights", "oversample", 1.1, 1.5, 2, 3]) | st.floats(1, 50)


def oversampled_by_numpy(counts, balance):
    ratio = 1.0 if balance == "oversample" else balance
    counts = np.array(counts)
    if isinstance(ratio, str) or counts.max() <= ratio * counts.min():
        return None
    targets = np.maximum(counts, counts.max() / ratio)
    return np.ceil(targets / targets.sum() * counts.sum()).astype(int).tolist()


@pytest.mark.slow
@settings(max_examples=400)
@given(counts=COUNTS, balance=BALANCES)
def test_oversampling_is_that_of_numpy(counts, balance):
    assert oversampled_counts(counts, balance) == oversampled_by_numpy(counts, balance)


@given(counts=COUNTS, balance=BALANCES, position=st.integers(0, 12))
def test_a_class_without_cases_gets_no_samples_and_changes_nothing(counts, balance, position):
    with_absent = [*counts[:position], 0, *counts[position:]]
    samples = samples_per_class(with_absent, balance)
    absent = min(position, len(counts))
    assert samples[absent] == 0
    assert [*samples[:absent], *samples[absent + 1 :]] == samples_per_class(counts, balance)


@pytest.mark.parametrize(("counts", "balance"), [([3, 2], 1.5), ([5, 5], "oversample"), ([3, 0, 2], 1.5)])
def test_classes_at_the_ratio_are_not_oversampled(counts, balance):
    assert oversampled_counts(counts, balance) is None
    assert oversampled_counts([counts[0] + 1, *counts[1:]], balance) is not None


def test_without_cases_there_are_no_samples():
    assert samples_per_class([0, 0], "oversample") == [0, 0]


def test_several_augmentations_add_their_copies_each():
    entries = [RotatedCopies(), Flip(), RotatedCopies(angles=(180,), of="all")]
    assert counts_with_copies([10, 4], entries, positive=1) == [20, 20]


@pytest.mark.parametrize(
    ("batch_size", "micro_batch", "num_devices", "expected"),
    [(16, None, 1, 16), (16, 5, 1, 5), (16, 20, 1, 16), (16, None, 3, 6), (16, 5, 2, 3), (1, None, 4, 1)],
)
def test_cases_at_once_are_a_devices_share_of_a_micro_batch(batch_size, micro_batch, num_devices, expected):
    assert cases_at_once(batch_size, micro_batch, num_devices) == expected
