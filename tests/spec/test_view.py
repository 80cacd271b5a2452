"""The view: raw values are scaled alike before a picture, a baseline and a network."""

import keras
import numpy as np
import pytest

from archnet.network.build import build_scaling
from archnet.spec.view import scale_from_unit, scale_to_unit

LIMITS = [(-1000.0, 400.0), (-1000, 400), (0.0, 255.0), (0.0, 1.0), (-1350.5, 150.25), (-1.0, 3071.0)]


@pytest.mark.parametrize("limits", LIMITS, ids=str)
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
def test_numpy_scales_as_the_layers_of_the_saved_model_do(limits, dtype):
    ends = (0, 255) if dtype is np.uint8 else (2 * limits[0] - limits[1], 2 * limits[1] - limits[0])
    values = np.random.default_rng(0).uniform(*ends, (3, 5, 4, 1)).astype(dtype)
    scaled = scale_to_unit(values, limits)
    assert scaled.dtype == np.float32
    expected = keras.ops.convert_to_numpy(build_scaling(limits)(values.astype(np.float32)))
    np.testing.assert_allclose(scaled, expected, rtol=0, atol=2e-6)
    assert 0 <= scaled.min() <= scaled.max() <= 1


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_values_in_0_to_1_become_raw_values_and_come_back(limits):
    scaled = np.random.default_rng(0).random((4, 6), np.float32)
    scaled[0, :2] = 0, 1
    values = scale_from_unit(scaled, limits)
    assert values.dtype == np.float32
    assert values[0, :2].tolist() == [float(limits[0]), float(limits[1])]
    np.testing.assert_allclose(scale_to_unit(values, limits), scaled, rtol=0, atol=1e-6)
