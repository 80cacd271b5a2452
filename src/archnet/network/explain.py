"""Saliency maps that explain a prediction: Grad-CAM and occlusion, for 2D and 3D networks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from archnet.errors import RunError
from archnet.network.backend import backend_module
from archnet.network.build.builder import Builder
from archnet.network.build.network import RULES
from archnet.network.planewise_pooling import split_poolings
from archnet.network.predict import Predictor
from archnet.network.scaling import input_limits, member_networks, two_logits
from archnet.network.weights.matching import match_tensors
from archnet.spec.arch import Arch
from archnet.spec.layers import Layer, walk
from archnet.spec.layers.feature_map import FeatureMap

BOX_SHARE: Final = 4
"""Occlusion boxes have this share of the image along each axis; neighbouring boxes overlap by half."""

Tensor = Any


def grad_cam(model: keras.Model, arch: Arch, image: NDArray[Any], label: int) -> list[NDArray[np.float32]]:
    """Compute the Grad-CAM heat map of a class in one image; see `GradCam`.

    Args:
        model: Result of `build_inference_model`.
        arch: The architecture of the model.
        image: (height, width[, depth], channels) raw values.
        label: Index of the class.

    Raises:
        RunError: The network has no feature maps, or does not match the architecture.
    """
    (heats,) = GradCam(model, arch).compute(image[np.newaxis], [label])
    return heats


class GradCam:
    """Grad-CAM heat maps, with nonnegative values, on the last feature map of a network.

    Grad-CAM (Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74): with A^k the last feature maps (after batch norm,
    activation and residual sum) and y the score of the class, the map is ReLU(sum_k a_k A^k), where a_k is the mean of
    dy/dA^k over all positions. The score is the log-odds of the class, log p/(1 - p): the logit of a sigmoid; for a
    softmax, it does not change if a constant is added to all logits. An ensemble has the mean of its members' maps.
    """

    def __init__(self, model: keras.Model, arch: Arch) -> None:
        """Split a network, or each one of an ensemble, after its last feature map.

        Args:
            model: Result of `build_inference_model`.
            arch: The architecture of the model.

        Raises:
            RunError: The network has no feature maps, or does not match the architecture.
        """
        self._scaling = model.get_layer("scaling")
        self._members = [_split(network, feature_tensors(network, arch)) for network in member_networks(model)]

    def compute(self, images: NDArray[Any], labels: Sequence[int]) -> list[list[NDArray[np.float32]]]:
        """Compute the heat maps of a batch of images.

        Args:
            images: (N, height, width[, depth], channels) raw values.
            labels: Index of a class for each image.

        Returns:
            For each image, its maps (height, width[, depth]) at the resolution of the features, usually coarser than
            the voxels; 0 without evidence for the class. One map, or one (rows, columns) for each of
            `FeatureMap.planes`. Those of an ensemble are the means over its members.
        """
        scaled = self._scaling(images)
        of_members = [_member_heats(body, head, scaled, labels) for body, head in self._members]
        cases = zip(*of_members, strict=True)
        return [[np.mean(same, axis=0, dtype=np.float32) for same in zip(*case, strict=True)] for case in cases]


def _split(network: keras.Model, features: list[Tensor]) -> tuple[keras.Model, keras.Model]:
    """The part of a network before its last feature map, and the part after it."""
    return keras.Model(network.input, features), split_poolings(keras.Model(features, network.output))


def _member_heats(
    body: keras.Model, head: keras.Model, scaled: Tensor, labels: Sequence[int]
) -> list[list[NDArray[np.float32]]]:
    """The heat maps of a network, from its two parts and the scaled images."""
    features = keras.tree.flatten(body(scaled, training=False))
    maps = [keras.Variable(each, name="features") for each in features]

    def score() -> tuple[Tensor, Tensor]:
        logits = two_logits(head([ops.convert_to_tensor(each) for each in maps], training=False))
        total = sum(_log_odds(logits[row], label) for row, label in enumerate(labels))
        return total, total

    _, gradients = backend_module().value_and_gradients(score, maps, [])
    pairs = [(_array(each.value), _array(slopes)) for each, slopes in zip(maps, gradients, strict=True)]
    return [_case_heats(pairs, row, len(labels)) for row in range(len(labels))]


def _case_heats(
    pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]], row: int, count: int
) -> list[NDArray[np.float32]]:
    """The heat maps of one of `count` images, from maps and gradients whose rows are the images, or their planes."""
    heats: list[NDArray[np.float32]] = []
    for values, slopes in pairs:
        num_planes = len(values) // count
        own = slice(row * num_planes, (row + 1) * num_planes)
        heats += map(_heat, values[own], slopes[own])
    return heats


def _array(tensor: Tensor) -> NDArray[np.float64]:
    return np.asarray(ops.convert_to_numpy(tensor), np.float64)


def _heat(values: NDArray[np.float64], slopes: NDArray[np.float64]) -> NDArray[np.float32]:
    """The heat map of one feature map and its gradients, both (..., channels)."""
    weights = slopes.mean(axis=tuple(range(slopes.ndim - 1)))
    heat: NDArray[np.float32] = np.maximum(values @ weights, 0).astype(np.float32)
    return heat


def feature_tensors(network: keras.Model, arch: Arch) -> list[Tensor]:
    """Find the tensors of a network that hold its last feature map.

    The architecture is rebuilt with its feature map marked, and the graphs of both networks are matched.

    Args:
        network: Result of `build`, or a network read from a file.
        arch: The architecture of the model.

    Returns:
        A single tensor (N, ..., channels), or (N * planes, rows, columns, channels) for planes that share their layers;
        one tensor per plane if they do not.

    Raises:
        RunError: No feature map is on all paths, or the network does not match the architecture.
    """
    found = arch.feature_map(network.input_shape[1:])
    if found is None:
        has_maps = any(layer.traits.feature_map == "new" for _, layer in walk(arch.layers))
        missing = "a feature map on all paths" if has_maps else "a convolution"
        raise RunError(f"{network.name}: Grad-CAM needs {missing}, and this network has none. Use occlusion.")
    try:
        rebuilt, marked = _rebuild(network, found)
        saved = {id(other): tensor for tensor, other in match_tensors(network, rebuilt)}
    except ValueError:
        message = f"{network.name}: the saved model does not match the architecture of its run. Use occlusion."
        raise RunError(message) from None
    return [saved[id(tensor)] for tensor in marked]


def _rebuild(network: keras.Model, found: FeatureMap) -> tuple[keras.Model, list[Tensor]]:
    """Build the architecture for the input and the classes of a network, and return its feature map's tensors.

    Raises:
        ValueError: The architecture does not support this number of classes.
    """
    marked: list[Tensor] = []

    def mark(rule: Callable[..., Tensor], layer: Layer, tensor: Tensor, builder: Builder) -> Tensor:
        output = rule(layer, tensor, builder)
        if layer is found.layer:
            marked.append(output)
        return output

    *layers, terminal = found.layers
    if terminal.output_shape((1,)) != network.output_shape[1:]:
        terminal = terminal.with_num_classes(network.output_shape[-1])
    builder = Builder(rules={kind: partial(mark, rule) for kind, rule in RULES.items()})
    inputs = keras.Input(network.input_shape[1:])
    return keras.Model(inputs, builder.chain([*layers, terminal], inputs), name=network.name), marked


def _log_odds(logits: Tensor, label: int) -> Tensor:
    others = [other for other in range(logits.shape[0]) if other != label]
    return logits[label] - ops.logsumexp(ops.take(logits, np.array(others)))


def occlusion(
    model: keras.Model, image: NDArray[Any], label: int, progress: Callable[..., Iterable[Any]]
) -> NDArray[np.float32]:
    """Compute how much the probability of a class decreases when a box of the image is replaced by air.

    Zeiler and Fergus 2014, doi:10.1007/978-3-319-10590-1_53. Each voxel is the mean over the boxes that cover it. Air
    is the lower limit of each channel of the data.

    Args:
        model: Result of `build_inference_model`.
        image: (height, width[, depth], channels) raw values.
        label: Index of the class.
        progress: Wraps the boxes.

    Returns:
        (height, width[, depth]) map of the image; negative where hiding the box increases the probability.
    """
    predictor, row = Predictor(model), np.zeros(1, np.int64)
    boxes = occlusion_boxes(image.shape[:-1])
    air = [low for low, _ in input_limits(model).hulls]
    before = predictor.predict(image[np.newaxis], row)[0, label]
    drops, counts = np.zeros(image.shape[:-1]), np.zeros(image.shape[:-1])
    for box in progress(boxes, "Occluding boxes", len(boxes)):
        occluded = image.copy()
        occluded[box] = air
        drops[box] += before - predictor.predict(occluded[np.newaxis], row)[0, label]
        counts[box] += 1
    return (drops / counts).astype(np.float32)


def occlusion_boxes(shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Return boxes of equal size that cover an image.

    >>> len(occlusion_boxes((8, 3))), occlusion_boxes((8, 3))[3]
    (21, (slice(1, 3, None), slice(0, 1, None)))
    """
    axes = []
    for length in shape:
        side = math.ceil(length / BOX_SHARE)
        starts = {*range(0, length - side, math.ceil(side / 2)), length - side}
        axes.append([slice(start, start + side) for start in sorted(starts)])
    return list(itertools.product(*axes))
