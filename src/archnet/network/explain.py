"""What in an image decided: Grad-CAM and occlusion, for 2D and 3D networks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.network.backend import backend_module
from archnet.network.build.builder import Builder
from archnet.network.build.network import RULES
from archnet.network.predict import Predictor
from archnet.network.scaling import input_limits, two_logits
from archnet.spec.arch import Arch, feature_layers

BOX_SHARE: Final = 4
"""Occlusion's boxes are this part of the image along each axis, and each lies half over the next."""

Tensor = Any


def grad_cam(model: keras.Model, arch: Arch, image: NDArray[Any], label: int) -> NDArray[np.float32]:
    """Compute the Grad-CAM heat map of a class on the last feature map, 0 or more.

    Grad-CAM (Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74): with A^k the last feature maps (behind their batch norm,
    activation and residual sum) and y the score of the class, the map is ReLU(sum_k a_k A^k), where a_k is the mean of
    dy/dA^k over all positions. The score is the log-odds of the class, log p/(1 - p): the logit of a sigmoid, and for
    a softmax no matter of what is added to all logits alike.

    Args:
        model: What `build_inference_model` returns.
        arch: The architecture that it was built from.
        image: (height, width[, depth], channels) raw values.
        label: Index of the class.

    Returns:
        (height, width[, depth]) of the features, which are mostly fewer than voxels; 0 where nothing speaks for it.

    Raises:
        RunError: The network has no feature maps, or is not that of the architecture.
    """
    network = model.get_layer(model.name)
    features = last_feature_map(network, arch)
    body, head = keras.Model(network.input, features), keras.Model(features, network.output)
    maps = keras.Variable(body(model.get_layer("scaling")(image[np.newaxis]), training=False), name="features")

    def score() -> tuple[Tensor, Tensor]:
        log_odds = _log_odds(two_logits(head(ops.convert_to_tensor(maps), training=False))[0], label)
        return log_odds, log_odds

    _, (gradient,) = backend_module().value_and_gradients(score, [maps], [])
    values, slopes = (ops.convert_to_numpy(tensor)[0].astype(np.float64) for tensor in (maps.value, gradient))
    weights = slopes.mean(axis=tuple(range(slopes.ndim - 1)))
    heat: NDArray[np.float32] = np.maximum(values @ weights, 0).astype(np.float32)
    return heat


def last_feature_map(network: keras.Model, arch: Arch) -> Tensor:
    """The tensor of a network that holds its last feature map.

    The layers up to that map are built again: Keras orders layers by their distance from the output, so the network,
    built or loaded, begins with the same ones.

    Args:
        network: What `build` returns, or the same read from a file.
        arch: The architecture that it was built from.

    Raises:
        RunError: No layer makes a feature map, or the network is not that of the architecture.
    """
    layers = feature_layers(arch)
    if not layers:
        raise RunError(f"{network.name}: Grad-CAM needs a convolution, and this network has none. Use occlusion.")
    inputs = keras.Input(network.input_shape[1:])
    rebuilt = keras.Model(inputs, Builder(rules=RULES).chain(layers, inputs)).layers
    body = network.layers[: len(rebuilt)]
    if [_kind(layer) for layer in body] != [_kind(layer) for layer in rebuilt]:
        raise RunError(f"{network.name}: the saved model is not the architecture of its run. Use occlusion.")
    return body[-1].output


def _kind(layer: keras.layers.Layer) -> tuple[type[keras.layers.Layer], tuple[int | None, ...]]:
    return type(layer), layer.output.shape


def _log_odds(logits: Tensor, label: int) -> Tensor:
    others = [other for other in range(logits.shape[0]) if other != label]
    return logits[label] - ops.logsumexp(ops.take(logits, np.array(others)))


def occlusion(
    model: keras.Model, image: NDArray[Any], label: int, progress: Callable[..., Iterable[Any]]
) -> NDArray[np.float32]:
    """By how much the probability of a class falls when a box of the image is hidden behind air.

    Zeiler and Fergus 2014, doi:10.1007/978-3-319-10590-1_53. Each voxel has the mean over the boxes that hide it. Air
    is the lowest limit of each channel of the data.

    Args:
        model: What `build_inference_model` returns.
        image: (height, width[, depth], channels) raw values.
        label: Index of the class.
        progress: Wraps the boxes.

    Returns:
        (height, width[, depth]) of the image; negative where hiding makes the class more probable.
    """
    predictor, row = Predictor(model), np.zeros(1, np.int64)
    boxes = occlusion_boxes(image.shape[:-1])
    air = [low for low, _ in input_limits(model).hulls]
    before = predictor.predict(image[np.newaxis], row)[0, label]
    drops, counts = np.zeros(image.shape[:-1]), np.zeros(image.shape[:-1])
    for box in progress(boxes, "Hiding boxes", len(boxes)):
        occluded = image.copy()
        occluded[box] = air
        drops[box] += before - predictor.predict(occluded[np.newaxis], row)[0, label]
        counts[box] += 1
    return (drops / counts).astype(np.float32)


def occlusion_boxes(shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Boxes that cover an image, all of one size.

    >>> len(occlusion_boxes((8, 3))), occlusion_boxes((8, 3))[3]
    (21, (slice(1, 3, None), slice(0, 1, None)))
    """
    axes = []
    for length in shape:
        side = math.ceil(length / BOX_SHARE)
        starts = {*range(0, length - side, math.ceil(side / 2)), length - side}
        axes.append([slice(start, start + side) for start in sorted(starts)])
    return list(itertools.product(*axes))
