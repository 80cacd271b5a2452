"""Each augmentation against NumPy or SciPy, in 2D and 3D; and the random numbers behind them."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from archnet.network.augment import ROWS, augment, copies, draw_uniforms, num_uniforms, shape_problem
from archnet.spec.augmentations import AUGMENTATIONS, Flip, RightAngles, Rotate, RotatedCopies

SHAPES = [(3, 12, 12, 1), (3, 12, 12, 5, 1)]


def images_of(shape):
    return np.random.default_rng(0).random(shape, np.float32)


def result_of(entry, images, uniforms):
    return keras.ops.convert_to_numpy(augment([entry], images, np.asarray(uniforms, np.float32)))


def test_every_augmentation_of_the_vocabulary_has_its_row():
    assert set(ROWS) == set(AUGMENTATIONS.values())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("turns", range(4))
def test_right_angles_are_those_of_numpy(shape, turns):
    images = images_of(shape)
    turned = result_of(RightAngles(), images, [[turns / 4]] * 3)
    assert np.array_equal(turned, np.rot90(images, turns, axes=(1, 2)))


def test_each_case_turns_by_its_own_number():
    images = images_of(SHAPES[0])
    turned = result_of(RightAngles(), images, [[0.0], [0.3], [0.99999]])
    for case, turns in enumerate([0, 1, 3]):
        assert np.array_equal(turned[case], np.rot90(images[case], turns))


@pytest.mark.parametrize("shape", SHAPES)
def test_flips_are_those_of_numpy_and_leave_out_a_depth_that_is_not_there(shape):
    images = images_of(shape)
    uniforms = [[0.1, 0.9, 0.9], [0.9, 0.1, 0.9], [0.9, 0.9, 0.1]]
    flipped = result_of(Flip(axes=("height", "width", "depth")), images, uniforms)
    assert np.array_equal(flipped[0], np.flip(images[0], 0))
    assert np.array_equal(flipped[1], np.flip(images[1], 1))
    assert np.array_equal(flipped[2], np.flip(images[2], 2) if len(shape) == 5 else images[2])


@pytest.mark.parametrize("shape", SHAPES)
def test_small_rotations_are_those_of_scipy(shape):
    images = images_of(shape)
    entry = Rotate(degrees=(-20.0, 10.0, 33.0))
    turned = result_of(entry, images, [[0.1], [0.5], [0.9]])
    for case, degrees in enumerate(entry.degrees):
        expected = ndimage.rotate(
            images[case], degrees, axes=(1, 0), reshape=False, order=1, mode="grid-constant", cval=0.0
        )
        assert np.abs(turned[case] - expected).max() < 1e-5


def test_copies_add_each_positive_once_for_each_angle():
    rows, turns = copies([RotatedCopies(angles=(90, 270))], np.array([False, True, True]))
    assert rows.tolist() == [0, 1, 2, 1, 2, 1, 2]
    assert turns.tolist() == [0, 0, 0, 0.25, 0.25, 0.75, 0.75]


def test_a_copy_is_turned_by_its_angle_and_its_original_stays():
    images = images_of((2, 12, 12, 1))
    entries = [Flip(axes=("height",)), RotatedCopies(angles=(90,), of="all")]
    rows, turns = copies(entries, np.array([False, True]))
    uniforms = draw_uniforms(entries, turns, seed=1, epoch=0)
    uniforms[:, 0] = 0.9
    turned = keras.ops.convert_to_numpy(augment(entries, images[rows], uniforms))
    assert np.array_equal(turned[:2], images)
    assert np.array_equal(turned[2:], np.rot90(images, 1, axes=(1, 2)))


def test_draws_depend_on_seed_epoch_and_case_alone():
    entries = [RightAngles(), Flip()]
    turns = np.zeros(50, np.float32)
    drawn = draw_uniforms(entries, turns, seed=1, epoch=2)
    assert drawn.shape == (50, num_uniforms(entries)) == (50, 3)
    assert np.array_equal(drawn, draw_uniforms(entries, turns, seed=1, epoch=2))
    assert not np.array_equal(drawn, draw_uniforms(entries, turns, seed=1, epoch=3))
    assert not np.array_equal(drawn, draw_uniforms(entries, turns, seed=2, epoch=2))
    assert 0 <= drawn.min() < 0.1 < 0.9 < drawn.max() < 1


def test_turning_needs_square_slices():
    message = "turning by 90 degrees needs square slices, but these are 10x12. Leave it out."
    assert shape_problem([RightAngles()], (10, 12)) == message
    assert shape_problem([RotatedCopies(angles=(180,)), Flip()], (10, 12)) is None
    assert shape_problem([RightAngles()], (12, 12, 3)) is None


def test_half_turns_need_no_square_slices():
    images = images_of((2, 6, 9, 1))
    assert np.array_equal(
        result_of(RotatedCopies(angles=(180,)), images, [[0.5]] * 2), np.rot90(images, 2, axes=(1, 2))
    )
