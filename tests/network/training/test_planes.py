"""Planes folded into the batch in training: their dropout, their batch norm, and that neither depends on the batch."""

import keras
import numpy as np
import pytest

from archnet.network.random_numbers import hashes
from archnet.network.training.dropout import CaseDropout, CaseKeys, draw_keys, plane_keys
from archnet.network.training.fused import FusedBatchNorm
from archnet.network.training.training_twin import build_training_twin, planes_in_batch
from archnet.spec.augmentations import Flip, RightAngles
from long_tests import long_except
from plain_training import plain
from small_training import are_equal, bright_and_dark, built, fit, killed_and_resumed

NUM_CASES, NUM_PLANES, NUM_ELEMENTS = 120, 9, 1001


def network_of_views(planes="nine", batch_norm=False, **keys):
    """Dropout inside `VIEWS` and behind it."""
    layers = [
        {"type": "C", "num_output": 4, "kernel_size": 3, "activation": "relu", "drop_out": 30,
         "batch_norm": batch_norm},
        {"type": "P", "pool": "max", "kernel_size": 2},
        {"type": "FC", "num_output": 5, "activation": "tanh", "drop_out": 30},
    ]  # fmt: skip
    views = {"type": "VIEWS", "planes": planes, "layers": layers, **keys}
    return built([views, {"type": "DO", "drop_out": 20}, {"type": "T"}], 3, 2, seed=0)


def dropped(keys, rate=0.3, num_planes=NUM_PLANES):
    """What is left of ones, (cases, planes, elements)."""
    box = CaseKeys()
    box.batch = keys
    layer = CaseDropout(rate, 0, box, num_planes=num_planes)
    ones = np.ones((len(keys) * num_planes, 7, 11, 13), np.float32)
    return keras.ops.convert_to_numpy(layer(ones, training=True)).reshape(len(keys), num_planes, -1)


def test_the_planes_of_all_cases_are_dropped_independently_at_the_rate():
    left = dropped(draw_keys(NUM_CASES, seed=1, epoch=0))
    is_dropped = (left == 0).reshape(-1, NUM_ELEMENTS).astype(np.float64)
    assert is_dropped.mean() == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / left.size) + 1 / 65536)
    for table, count in ((is_dropped, NUM_ELEMENTS), (is_dropped.T[:500], NUM_CASES * NUM_PLANES)):
        correlation = np.corrcoef(table)
        np.fill_diagonal(correlation, 0)
        assert correlation.std() == pytest.approx(1 / np.sqrt(count), rel=0.02)
        assert np.abs(correlation).max() < 6 / np.sqrt(count)


def test_a_plane_keeps_its_mask_in_any_batch():
    keys = draw_keys(20, seed=1, epoch=0)
    together, order = dropped(keys), np.random.default_rng(0).permutation(20)
    parts = [dropped(keys[order[:3]]), dropped(keys[order[3:]])]
    np.testing.assert_array_equal(np.concatenate(parts), together[order])


def test_the_key_of_a_plane_is_the_hash_of_case_and_plane():
    keys = draw_keys(5, seed=3, epoch=1)
    expected = [[hashes(keys, NUM_PLANES, -1)[case, plane] for plane in range(NUM_PLANES)] for case in range(5)]
    np.testing.assert_array_equal(plane_keys(keys, NUM_PLANES), np.asarray(expected).ravel())
    assert len(set(np.asarray(plane_keys(draw_keys(2000, 0, 0), NUM_PLANES)).tolist())) > 17_990


def test_a_case_without_planes_keeps_the_mask_of_its_own_key():
    keys = draw_keys(7, seed=2, epoch=0)
    bits = np.asarray(hashes(keys, 501, 0)).view(np.uint16)[:, :NUM_ELEMENTS]
    np.testing.assert_array_equal(dropped(keys, num_planes=1)[:, 0] == 0, bits < round(0.3 * 65536))


@pytest.mark.parametrize(
    ("planes", "keys", "expected"),
    [
        ("nine", {}, [9, 9, 1]),
        ("slices", {"fuse": "attention"}, [8, 8, 1]),
        ("orthogonal", {"shared": False}, [1] * 7),
        ("axial", {}, [1, 1, 1]),
    ],
)
def test_the_dropout_of_a_twin_knows_how_many_planes_a_case_has(planes, keys, expected):
    twin = build_training_twin(network_of_views(planes, **keys), CaseKeys())
    assert [layer.num_planes for layer in twin.layers if isinstance(layer, CaseDropout)] == expected


def test_a_residual_layer_and_a_reshape_of_channels_keep_the_number_of_planes():
    inputs = keras.Input((4, 6, 2))
    folded = keras.ops.reshape(inputs, (-1, 6, 2))
    heads = keras.ops.reshape(folded, (-1, 6, 1, 2))
    joined = keras.ops.stack([folded, folded], axis=1)
    unfolded = keras.ops.reshape(keras.layers.Add()([heads, heads]), (-1, 4, 6, 2))
    planes = planes_in_batch(keras.Model(inputs, [heads, joined, unfolded]))
    assert [planes[id(tensor)] for tensor in (inputs, folded, heads, joined, unfolded)] == [1, 4, 4, 4, 1]


@pytest.mark.slow
@pytest.mark.parametrize("planes", long_except({"nine"}, ["orthogonal", "nine", "slices"]))
def test_micro_batches_do_not_change_the_weights(planes):
    training = plain(
        optimizer="sgd", momentum=0.9, learning_rate=0.05, epochs=1, batch_size=16, l2=0.01, clip_norm=0.3,
        augmentation=(RightAngles(), Flip()), ema=0.9,
    )  # fmt: skip
    examples = bright_and_dark(23, 3)
    whole, rows = fit(training, network_of_views(planes, fuse="attention"), examples)
    parts, other_rows = fit(training, network_of_views(planes, fuse="attention"), examples, micro_batch=5)
    for weight, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        assert np.abs(weight - other).max() < 1e-5
    for row, other in zip(rows, other_rows, strict=True):
        assert row["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)
    assert not np.allclose(whole.get_weights()[0], network_of_views(planes).get_weights()[0], atol=1e-3)


def test_batch_statistics_are_those_of_all_planes_together():
    network = network_of_views("slices", batch_norm=True)
    keys = CaseKeys()
    twin = build_training_twin(network, keys)
    images = np.random.default_rng(0).random((5, 8, 8, 8, 1), np.float32)
    keys.batch = draw_keys(5, 0, 0)
    twin(images, training=True)
    (norm,) = (layer for layer in twin.layers if isinstance(layer, FusedBatchNorm))
    convolved = np.asarray(keras.Model(network.input, next(
        layer.output for layer in network.layers if isinstance(layer, keras.layers.Conv2D)
    ))(images))  # fmt: skip
    assert convolved.shape[0] == 5 * 8
    np.testing.assert_allclose(norm.moving_mean, 0.1 * convolved.mean((0, 1, 2)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, 0.9 + 0.1 * convolved.var((0, 1, 2)), rtol=1e-5)


@pytest.mark.slow
def test_an_interrupted_training_ends_with_the_same_bits(tmp_path):
    training, examples = plain(epochs=2, batch_size=8, ema=0.9, augmentation=(Flip(),)), bright_and_dark(27, 3)

    def fitted(**options):
        return fit(training, network_of_views(batch_norm=True, fuse="attention"), examples, **options)[0]

    whole, resumed = killed_and_resumed(fitted, tmp_path, step=6)
    assert are_equal(resumed.get_weights(), whole.get_weights())
