"""The views of test-time augmentation: those of the training, each once, and exact."""

import numpy as np
import pytest

from archnet.spec.augmentations import Flip, Intensity, RightAngles, Rotate, RotatedCopies, Shift
from archnet.spec.view import IDENTITY, trained_views

X = np.random.default_rng(0).normal(size=(2, 4, 4, 3, 1))


@pytest.mark.parametrize(
    ("augmentations", "rank", "number"),
    [
        ([], 3, 1),
        ([Rotate(), Shift(), Intensity()], 3, 1),
        ([RotatedCopies()], 3, 1),  # only the positive cases were rotated
        ([RotatedCopies(of="all", angles=(180,))], 3, 2),
        ([Flip(axes=("width",))], 3, 2),
        ([Flip(axes=("depth",))], 2, 1),
        ([Flip()], 2, 4),
        ([RightAngles(), Flip()], 3, 8),
        ([RightAngles(), Flip(axes=("height", "width", "depth"))], 3, 16),
    ],
)
def test_views_are_those_of_the_training_each_once(augmentations, rank, number):
    views = trained_views(augmentations, rank)
    assert views[0] == IDENTITY
    assert len({view(X).tobytes() for view in views}) == len(views) == number


def test_flips_are_the_views_of_numpy():
    views = {view(X).tobytes() for view in trained_views([Flip(axes=("height", "depth"))], 3)}
    assert views == {np.flip(X, axes).tobytes() for axes in ((), (1,), (3,), (1, 3))}
