import keras
import numpy as np
import pytest

from archnet.network.weights.inflation import inflate_kernel, spread_channels

GENERATOR = np.random.default_rng(0)
KERNEL = GENERATOR.normal(size=(3, 3, 2, 4)).astype(np.float32)


def response(layer, kernel, images):
    layer.build(images.shape)
    layer.set_weights([kernel])
    return np.asarray(layer(images))


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_a_mean_kernel_responds_to_a_volume_constant_along_depth_as_in_2d(depth):
    images = GENERATOR.normal(size=(2, 8, 8, 2)).astype(np.float32)
    volumes = np.repeat(images[:, :, :, np.newaxis], 7, axis=3)
    flat = response(keras.layers.Conv2D(4, 3, use_bias=False), KERNEL, images)
    layer = keras.layers.Conv3D(4, (3, 3, depth), use_bias=False)
    full = response(layer, inflate_kernel(KERNEL, depth, "mean"), volumes)
    np.testing.assert_allclose(full, np.repeat(flat[:, :, :, np.newaxis], full.shape[3], axis=3), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_a_centre_kernel_responds_to_each_slice_as_in_2d(depth):
    volumes = GENERATOR.normal(size=(2, 8, 8, 6, 2)).astype(np.float32)
    layer = keras.layers.Conv3D(4, (3, 3, depth), padding="same", use_bias=False)
    full = response(layer, inflate_kernel(KERNEL, depth, "centre"), volumes)
    for number in range(6):
        flat = keras.layers.Conv2D(4, 3, padding="same", use_bias=False)
        np.testing.assert_allclose(full[:, :, :, number], response(flat, KERNEL, volumes[:, :, :, number]), atol=1e-5)


@pytest.mark.parametrize(("old", "new"), [(3, 1), (3, 2), (1, 3)])
def test_a_kernel_for_other_channels_responds_to_a_grey_image_as_before(old, new):
    kernel, grey = GENERATOR.normal(size=(3, 3, old, 4)), GENERATOR.normal(size=(8, 8, 1)).astype(np.float32)
    responses = [
        response(
            keras.layers.Conv2D(4, 3, use_bias=False), weights, np.repeat(grey, weights.shape[2], axis=2)[np.newaxis]
        )
        for weights in (kernel, spread_channels(kernel, new))
    ]
    np.testing.assert_allclose(*responses, rtol=1e-4, atol=1e-5)
