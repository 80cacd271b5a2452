"""Dropout by case: its rate, its independence, its scale, and that it depends on the case alone."""

import keras
import numpy as np
import pytest

from archnet.network.random_numbers import hashes
from archnet.network.scaling import build_inference_model
from archnet.network.trained_model import load_model
from archnet.network.training.dropout import CaseDropout, CaseKeys, draw_keys
from archnet.network.training.training_twin import build_training_twin
from plain_training import plain
from small_training import LIMITS, bright_and_dark, deep_network, fit, told_by

NUM_CASES, NUM_ELEMENTS = 2000, 1001


def dropped(rate=0.3, number=0, keys=None, dtype="float32"):
    """What is left of ones, (cases, elements)."""
    box = CaseKeys()
    box.batch = draw_keys(NUM_CASES, seed=1, epoch=0) if keys is None else keys
    layer = CaseDropout(rate, number, box, dtype=dtype)
    return keras.ops.convert_to_numpy(layer(np.ones((len(box.batch), 7, 11, 13), np.float32), training=True)).reshape(
        len(box.batch), -1
    )


@pytest.mark.parametrize("rate", [0.083, 0.5, 0.99])
def test_the_share_of_its_rate_is_dropped_and_the_mean_stays(rate):
    left = dropped(rate)
    deviation = np.sqrt(rate * (1 - rate) / left.size)
    assert (left == 0).mean() == pytest.approx(rate, abs=5 * deviation + 1 / 65536)
    assert left.mean() == pytest.approx(1, abs=5 * deviation / (1 - rate) + 1e-3)
    assert len(np.unique(left)) == 2


@pytest.mark.slow
def test_cases_elements_and_layers_are_dropped_independently():
    is_dropped = (dropped(0.3) == 0).astype(np.float64)
    for table, count in ((is_dropped, NUM_ELEMENTS), (is_dropped.T[:500], NUM_CASES)):
        correlation = np.corrcoef(table)
        np.fill_diagonal(correlation, 0)
        assert correlation.std() == pytest.approx(1 / np.sqrt(count), rel=0.02)
        assert np.abs(correlation).max() < 6 / np.sqrt(count)
    other = (dropped(0.3, number=1) == 0).astype(np.float64)
    assert abs(np.corrcoef(is_dropped.ravel(), other.ravel())[0, 1]) < 5 / np.sqrt(is_dropped.size)


def test_a_case_keeps_its_mask_in_any_batch():
    keys = draw_keys(20, seed=1, epoch=0)
    together = dropped(keys=keys)
    order = np.random.default_rng(0).permutation(20)
    assert np.array_equal(
        np.concatenate([dropped(keys=keys[order[:3]]), dropped(keys=keys[order[3:]])]), together[order]
    )


def test_hashes_are_uniform_in_every_bit():
    words = keras.ops.convert_to_numpy(hashes(draw_keys(1000, seed=3, epoch=0), 500, 2))
    shares = [((words >> bit) & 1).mean() for bit in range(32)]
    assert np.abs(np.array(shares) - 0.5).max() < 5 * 0.5 / np.sqrt(words.size)


def test_hashes_are_those_of_their_formula_in_numpy():
    def fold(words, shift):
        return words ^ (words >> np.uint64(shift))

    def times(words, other):
        return (words * np.uint64(other)) & np.uint64(0xFFFFFFFF)

    keys = draw_keys(5, seed=3, epoch=1)
    words = (np.arange(6, dtype=np.uint64) + np.uint64((2 * 0x9E3779B9 + 1) % 2**32)) & np.uint64(0xFFFFFFFF)
    elements = fold(times(fold(times(fold(words, 16), 0x7FEB352D), 15), 0x846CA68B), 16)
    products = times(np.asarray(keys, np.uint64)[:, None] | np.uint64(1), 1) * (elements | np.uint64(1))
    expected = times(fold(products & np.uint64(0xFFFFFFFF), 15), 0x846CA68B)
    assert np.array_equal(keras.ops.convert_to_numpy(hashes(keys, 6, 2)), expected)


def test_keys_follow_from_seed_and_epoch():
    assert np.array_equal(draw_keys(9, 1, 2), draw_keys(9, 1, 2))
    assert len({tuple(draw_keys(9, seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4


def test_a_twin_computes_as_its_network_and_drops_in_training_alone():
    network, keys = deep_network(batch_norm=True), CaseKeys()
    twin, images = build_training_twin(network, keys), np.random.default_rng(0).random((6, 8, 8, 1), np.float32)
    expected = keras.ops.convert_to_numpy(network(images, training=False))
    assert np.array_equal(keras.ops.convert_to_numpy(twin(images, training=False)), expected)
    keys.batch = draw_keys(6, 0, 0)
    assert not np.allclose(keras.ops.convert_to_numpy(twin(images, training=True)), expected)


@pytest.mark.slow
def test_a_saved_model_needs_nothing_of_archnet(tmp_path):
    network, _ = fit(plain(epochs=1, batch_size=16), deep_network())
    model = build_inference_model(network, LIMITS)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert not [layer for layer in loaded._flatten_layers() if "archnet" in type(layer).__module__]
    images = bright_and_dark().images
    assert np.array_equal(told_by(loaded, images), told_by(model, images))
