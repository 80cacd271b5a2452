"""Each augmentation against NumPy or SciPy, in 2D and 3D; and the random numbers behind them."""

import itertools
import json
import re
import zipfile

import keras
import numpy as np
import pytest
from scipy import ndimage, stats

import archnet
from archnet.network.augmentation.augment import (
    AUGMENTATION_RULES,
    add_rotated_copies,
    augment,
    draw_uniforms,
    num_uniforms,
)
from archnet.network.augmentation.distributions import standard_normals, uniform_integers
from archnet.spec.augmentations import (
    AUGMENTATIONS,
    Cutout,
    Flip,
    Intensity,
    Noise,
    RightAngles,
    Rotate,
    RotatedCopies,
    Shift,
    Zoom,
    shape_problem,
)

SHAPES = [(3, 12, 12, 1), (3, 12, 12, 5, 1)]
CHANNELS = (3, 12, 12, 5)
"""Slices as the channels of a 2D network."""

STRONG = [
    *(kind() for kind in AUGMENTATIONS.values()),
    Flip(axes=("height", "width", "depth")),
    Shift(height=11, width=0, depth=4),
    Rotate(degrees=(90.0, 200.0)),
    Zoom(factor=(0.3, 3.0)),
    Intensity(scale=(0.0, 3.0), shift=(-1.0, 1.0)),
    Noise(std=(0.0, 1.0)),
    Cutout(share=1.0),
]
"""Every entry of the table with its defaults, and some with parameters at their limits."""

IDENTITIES = [
    Rotate(degrees=(0.0,)),
    Shift(height=0, width=0, depth=0),
    Zoom(factor=(1.0, 1.0)),
    Intensity(scale=(1.0, 1.0), shift=(0.0, 0.0)),
    Noise(std=(0.0, 0.0)),
    Cutout(share=0.0),
]


def images_of(shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def result_of(entry, images, uniforms):
    return keras.ops.convert_to_numpy(augment([entry], images, np.asarray(uniforms, np.float32)))


def uniforms_of(entry, num_cases, seed=0):
    return np.random.default_rng(seed).random((num_cases, num_uniforms([entry])), np.float32)


def test_every_augmentation_of_the_vocabulary_has_its_row():
    assert set(AUGMENTATION_RULES) == set(AUGMENTATIONS.values())


@pytest.mark.parametrize("shape", [*SHAPES, CHANNELS], ids=["2d", "3d", "channels"])
@pytest.mark.parametrize("entry", STRONG, ids=str)
def test_every_augmentation_treats_a_case_alike_in_any_batch_and_stays_an_image(entry, shape):
    images, uniforms = images_of(shape), uniforms_of(entry, shape[0])
    images[0] = 1
    together = result_of(entry, images, uniforms)
    assert together.shape == shape
    assert together.dtype == np.float32
    assert together.min() >= 0
    assert together.max() <= 1
    backwards = result_of(entry, images[::-1], uniforms[::-1])[::-1]
    alone = np.concatenate([result_of(entry, images[[case]], uniforms[[case]]) for case in range(shape[0])])
    rounding = 1e-6 if isinstance(entry, Zoom) else 0  # of products of matrices, which may depend on their number
    for other in (backwards, alone):
        np.testing.assert_allclose(together, other, rtol=0, atol=rounding)


@pytest.mark.parametrize("shape", SHAPES, ids=["2d", "3d"])
@pytest.mark.parametrize("entry", [entry for entry in STRONG if not isinstance(entry, Noise)], ids=str)
def test_every_channel_is_augmented_like_a_single_one(entry, shape):
    channels = np.concatenate([images_of(shape, seed) for seed in range(2)], axis=-1)
    uniforms = uniforms_of(entry, shape[0])
    together = result_of(entry, channels, uniforms)
    for place in range(2):
        alone = result_of(entry, channels[..., [place]], uniforms)
        np.testing.assert_allclose(together[..., [place]], alone, rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [pytest.param(SHAPES[0], marks=pytest.mark.long), SHAPES[1]], ids=["2d", "3d"])
def test_every_augmentation_is_the_same_in_a_graph_of_any_batch_size(shape):
    class Augmented(keras.layers.Layer):
        def call(self, images, *uniforms):
            return [augment([entry], images, numbers) for entry, numbers in zip(STRONG, uniforms, strict=True)]

    inputs = [keras.Input(shape[1:]), *(keras.Input((num_uniforms([entry]),)) for entry in STRONG)]
    model = keras.Model(inputs, Augmented()(*inputs))
    images, uniforms = images_of(shape), [uniforms_of(entry, shape[0]) for entry in STRONG]
    results = model.predict([images, *uniforms], batch_size=2, verbose=0)
    for entry, inside, numbers in zip(STRONG, results, uniforms, strict=True):
        assert np.abs(inside - result_of(entry, images, numbers)).max() < 1e-6, entry


@pytest.mark.parametrize("shape", [*SHAPES, CHANNELS], ids=["2d", "3d", "channels"])
@pytest.mark.parametrize("entry", IDENTITIES, ids=str)
def test_an_augmentation_by_nothing_leaves_every_bit(entry, shape):
    images = images_of(shape)
    assert np.array_equal(result_of(entry, images, uniforms_of(entry, shape[0])), images)


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
    uniforms = [[0.1, 0.9, 0.5], [0.5, 0.1, 0.9], [0.9, 0.5, 0.499]]
    flipped = result_of(Flip(axes=("height", "width", "depth")), images, uniforms)
    assert np.array_equal(flipped[0], np.flip(images[0], 0))
    assert np.array_equal(flipped[1], np.flip(images[1], 1))
    assert np.array_equal(flipped[2], np.flip(images[2], 2) if len(shape) == 5 else images[2])


def test_right_angles_and_one_flip_are_the_eight_symmetries_of_a_square():
    image = images_of((1, 6, 6, 1))
    entries = [RightAngles(), Flip(axes=("width",))]
    results = {
        keras.ops.convert_to_numpy(augment(entries, image, np.array([[turn / 4, 0, flip, 0]], np.float32))).tobytes()
        for turn, flip in itertools.product(range(4), (0.0, 0.9))
    }
    assert len(results) == 8


@pytest.mark.parametrize("shape", [*SHAPES, (3, 128, 96, 3, 1)])
def test_rotations_are_those_of_scipy(shape):
    images = images_of(shape)
    entry = Rotate(degrees=(-20.0, 10.0, 133.0))
    rotated = result_of(entry, images, [[0.1], [0.5], [0.9]])
    for case, degrees in enumerate(entry.degrees):
        expected = ndimage.rotate(
            images[case], degrees, axes=(1, 0), reshape=False, order=1, mode="grid-constant", cval=0.0
        )
        assert np.abs(rotated[case] - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("uniforms", "moved"),
    [([0.0, 0.5, 0.999], (-2, 0, 1)), ([0.99, 0.4, 0.0], (2, -1, -1)), ([0.5, 0.99, 0.5], (0, 3, 0))],
)
@pytest.mark.parametrize("shape", [(1, 12, 9, 1), (1, 12, 9, 5, 1)])
def test_shifts_are_those_of_scipy(uniforms, moved, shape):
    images = images_of(shape)
    rank = len(shape) - 2
    expected = ndimage.shift(images[0, ..., 0], moved[:rank], order=0, mode="constant", cval=0.0)
    shifted = result_of(Shift(height=2, width=3, depth=1), images, [uniforms])
    assert np.array_equal(shifted[0, ..., 0], expected)
    flat = result_of(Shift(height=2, width=3), images, [uniforms])
    assert np.array_equal(flat[0, ..., 0], ndimage.shift(images[0, ..., 0], (*moved[:2], 0)[:rank], order=0))


def test_every_shift_up_to_the_largest_is_as_likely():
    line = np.zeros((7000, 9, 1, 1), np.float32)
    line[:, 4] = 1
    entry = Shift(height=3, width=0)
    shifted = result_of(entry, line, uniforms_of(entry, 7000))
    places, counts = np.unique(shifted[:, :, 0, 0].argmax(axis=1), return_counts=True)
    assert places.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("shape", [(3, 12, 9, 1), (3, 12, 9, 5, 1), (3, 64, 64, 10, 1), (3, 12, 9, 5)])
@pytest.mark.parametrize("axes", [("height", "width", "depth"), ("height", "width"), ("depth",)])
def test_zooms_are_those_of_scipy(shape, axes):
    images = images_of(shape)
    zoomed = result_of(Zoom(factor=(0.5, 1.5), axes=axes), images, [[0.0], [0.42], [0.96]])
    spatial = np.array(shape[1:-1])
    for case, factor in enumerate([0.5, 0.92, 1.46]):
        factors = [
            factor if axis in axes else 1 for axis, _ in zip(("height", "width", "depth"), spatial, strict=False)
        ]
        scale = 1 / np.array([*factors, 1])
        centre = (np.array([*spatial, shape[-1]]) - 1) / 2
        expected = ndimage.affine_transform(
            images[case], scale, centre - scale * centre, order=1, mode="grid-constant", cval=0.0
        )
        assert np.abs(zoomed[case] - expected).max() < 1e-5


@pytest.mark.parametrize("shape", SHAPES)
def test_intensities_are_scaled_then_shifted_then_clipped(shape):
    images = images_of(shape)
    entry = Intensity(scale=(0.5, 1.5), shift=(0.2, -0.2))
    changed = result_of(entry, images, [[0.0, 0.0], [0.5, 0.5], [0.9, 0.25]])
    for case, (scale, shift) in enumerate([(0.5, 0.2), (1.0, 0.0), (1.4, 0.1)]):
        assert np.abs(changed[case] - np.clip(images[case] * scale + shift, 0, 1)).max() < 1e-6


@pytest.mark.parametrize("shape", [(40, 64, 64, 1), (8, 32, 32, 11, 1)])
def test_noise_is_gaussian_of_the_deviation_drawn(shape):
    grey = np.full(shape, 0.5, np.float32)
    entry = Noise(std=(0.02, 0.1))
    uniforms = uniforms_of(entry, shape[0])
    noise = result_of(entry, grey, uniforms).reshape(shape[0], -1) - 0.5
    std = 0.02 + 0.08 * uniforms[:, :1]
    assert np.abs(noise.std(axis=1, keepdims=True) / std - 1).max() < 0.05
    assert stats.kstest((noise / std)[:, ::7].ravel(), "norm").pvalue > 0.01


def test_cases_with_the_same_deviation_have_noise_of_their_own():
    grey = np.full((2, 32, 32, 1), 0.5, np.float32)
    one, other = result_of(Noise(), grey, [[0.9, 0.1], [0.9, 0.2]]) - 0.5
    assert np.abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.1


def test_the_largest_uniform_number_stays_below_the_count():
    largest = np.full(2000, np.nextafter(np.float32(1), np.float32(0)))
    counts = np.arange(1, 2001)
    assert np.array_equal(keras.ops.convert_to_numpy(uniform_integers(largest, counts.astype(np.float32))), counts - 1)


def test_normal_numbers_have_the_moments_of_the_normal_distribution_and_no_correlation():
    drawn = keras.ops.convert_to_numpy(standard_normals(np.float32([1000, 1001, 9_000_000]) / 2**24, 400_001))
    assert drawn.shape == (3, 400_001)
    for row in drawn:
        moments = [row.mean(), row.std() - 1, stats.skew(row), stats.kurtosis(row)]
        assert np.abs(moments).max() < 0.02
        assert stats.kstest(row[::5], "norm").pvalue > 0.01
        assert 4.3 < np.abs(row).max() < 4.9
    assert np.abs(np.corrcoef(drawn) - np.eye(3)).max() < 0.01
    spectrum = np.abs(np.fft.rfft(drawn[:, :400_000])) ** 2 / 400_000
    assert spectrum[:, 1:].max() < 20
    assert np.abs(np.corrcoef(np.abs(drawn[0, :200_000]), np.abs(drawn[0, -200_000:]))[0, 1]) < 0.01


@pytest.mark.parametrize("shape", [(200, 12, 16, 1), (200, 12, 16, 5, 1), (200, 12, 16, 5)])
def test_cutout_fills_one_box_of_the_share_asked_for(shape):
    images = images_of(shape) + np.float32(0.001)
    entry = Cutout(share=0.25)
    cut = result_of(entry, images, uniforms_of(entry, 200))
    sides = [round(0.25 * size) for size in shape[1:-1]]
    corners = set()
    for case in range(200):
        where = np.argwhere(cut[case] == 0)
        low, high = where.min(axis=0), where.max(axis=0) + 1
        assert (high - low).tolist() == [*sides, shape[-1]]
        expected = images[case].copy()
        expected[tuple(slice(*pair) for pair in zip(low, high, strict=True))] = 0
        assert np.array_equal(cut[case], expected)
        corners.add(tuple(low[:2]))
    assert {row for row, _ in corners} == set(range(shape[1] - sides[0] + 1))
    assert {column for _, column in corners} == set(range(shape[2] - sides[1] + 1))


def test_uniform_numbers_in_low_precision_are_refused():
    images = images_of(SHAPES[0])
    message = "the uniform numbers are bfloat16, expected float32. Keep them out of mixed precision."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        augment([RightAngles()], images, keras.ops.zeros((3, 1), "bfloat16"))


def test_copies_add_each_positive_once_for_each_angle():
    rows, turns = add_rotated_copies([RotatedCopies(angles=(90, 270))], np.array([False, True, True]))
    assert rows.tolist() == [0, 1, 2, 1, 2, 1, 2]
    assert turns.tolist() == [0, 0, 0, 0.25, 0.25, 0.75, 0.75]


def test_a_copy_is_turned_by_its_angle_and_its_original_stays():
    images = images_of((2, 12, 12, 1))
    entries = [Flip(axes=("height",)), RotatedCopies(angles=(90,), of="all")]
    rows, turns = add_rotated_copies(entries, np.array([False, True]))
    uniforms = draw_uniforms(entries, turns, seed=1, epoch=0)
    uniforms[:, 0] = 0.9
    turned = keras.ops.convert_to_numpy(augment(entries, images[rows], uniforms))
    assert np.array_equal(turned[:2], images)
    assert np.array_equal(turned[2:], np.rot90(images, 1, axes=(1, 2)))


def test_draws_depend_on_seed_epoch_and_case_alone():
    entries = [RightAngles(), Flip()]
    turns = np.zeros(50, np.float32)
    drawn = draw_uniforms(entries, turns, seed=1, epoch=2)
    assert drawn.shape == (50, num_uniforms(entries)) == (50, 4)
    assert np.array_equal(drawn, draw_uniforms(entries, turns, seed=1, epoch=2))
    assert np.array_equal(drawn[:20], draw_uniforms(entries, turns[:20], seed=1, epoch=2))
    assert not np.array_equal(drawn, draw_uniforms(entries, turns, seed=1, epoch=3))
    assert not np.array_equal(drawn, draw_uniforms(entries, turns, seed=2, epoch=2))
    assert 0 <= drawn.min() < 0.1 < 0.9 < drawn.max() < 1


def test_turning_needs_square_slices():
    message = "turning by 90 degrees needs square slices, but these are 10x12. Leave it out."
    assert shape_problem([RightAngles()], (10, 12)) == message
    assert shape_problem([RotatedCopies(angles=(180,)), Flip()], (10, 12)) is None
    assert shape_problem([RightAngles()], (12, 12, 3)) is None


def test_a_shift_stays_below_the_size():
    message = "shift.depth 10 can move all out of 10 voxels. Keep it below 10."
    assert shape_problem([Flip(), Shift(depth=10)], (12, 12, 10)) == message
    assert shape_problem([Shift(depth=9)], (12, 12, 10)) is None
    assert shape_problem([Shift(depth=10)], (12, 12)) is None


def test_half_turns_need_no_square_slices():
    images = images_of((2, 6, 9, 1))
    assert np.array_equal(
        result_of(RotatedCopies(angles=(180,)), images, [[0.5]] * 2), np.rot90(images, 2, axes=(1, 2))
    )


@pytest.mark.long
def test_a_saved_model_carries_no_augmentation(tmp_path):
    generator = np.random.default_rng(0)
    np.savez(tmp_path / "cubes.npz", x=generator.integers(0, 256, (40, 8, 8, 4, 1), np.uint8), y=np.arange(40) % 2)
    layers = [{"type": "C", "num_output": 2, "kernel_size": [3, 3, 3]}, {"type": "GAP"}, {"type": "T"}]
    experiment = {
        "archs": [{"name": "small", "layers": layers}],
        "data": {"name": "npz", "root": str(tmp_path / "cubes.npz")},
        "training": {"epochs": 1, "augmentation": [{"type": name} for name in AUGMENTATIONS]},
    }
    run = archnet.run(experiment, out=tmp_path / "out")
    model = keras.models.load_model(run.folder / "model.keras")
    images = generator.integers(0, 256, (5, 8, 8, 4, 1)).astype(np.float32)
    as_in_training = keras.ops.convert_to_numpy(model(images, training=True))
    assert np.array_equal(as_in_training, model.predict(images, verbose=0))
    with zipfile.ZipFile(run.folder / "model.keras") as archive:
        saved = json.loads(archive.read("config.json"))
    kinds = {layer["class_name"] for layer in layers_of(saved)}
    assert kinds == {"InputLayer", "Rescaling", "ReLU", "Conv3D", "GlobalAveragePooling3D", "Dense", "Softmax"}


def layers_of(saved):
    """The layers of a model's configuration, those of models inside it included."""
    if "layers" not in saved["config"]:
        return [saved]
    return [inner for layer in saved["config"]["layers"] for inner in layers_of(layer)]
