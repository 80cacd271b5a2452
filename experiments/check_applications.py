"""Compare the networks of archs/applications with those of keras.applications.

    python experiments/check_applications.py [NAME ...] [--json]

Each architecture is compared with Keras's network. The latter gets random weights, and batch norm statistics close to
those of the images. The weights of the former are NaN until they are transferred by matching the graphs. Both networks
then compute the logits of the same images, at the size for which the network was designed and at a small non-square
size. Keras's preprocessing layers are omitted: both networks take preprocessed values. The exit code is 1 if the
numbers of parameters or the logits differ.
"""

import argparse
import gc
import json
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from archnet.network.weights.matching import match_layers, move_weights
from archnet.spec.arch import load_arch

ARCHS = Path(__file__).parents[1] / "archs/applications"
APPLICATIONS = {
    "vgg16": "VGG16",
    "resnet50": "ResNet50",
    "resnet50v2": "ResNet50V2",
    "densenet121": "DenseNet121",
    "inceptionv3": "InceptionV3",
    "xception": "Xception",
    "mobilenet": "MobileNet",
    "mobilenetv2": "MobileNetV2",
    "efficientnetb0": "EfficientNetB0",
    "convnexttiny": "ConvNeXtTiny",
}
"""File in archs/applications -> function of keras.applications."""

UNEVEN = (107, 98)
NUM_CLASSES = 1000
NUM_IMAGES = 2
TOLERANCE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Comparison of two networks on the same images.

    Attributes:
        name: File in archs/applications.
        size: Height and width of the images.
        parameters: Number of weights of archnet's network, trainable or not.
        keras_parameters: Number of weights of Keras's network, without its preprocessing layers.
        logit: Largest absolute logit.
        spread: Largest difference between the logits of two images.
        difference: Largest difference between the logits of the two networks.
    """

    name: str
    size: tuple[int, int]
    parameters: int
    keras_parameters: int
    logit: float
    spread: float
    difference: float

    @property
    def is_equal(self) -> bool:
        return self.parameters == self.keras_parameters and self.difference <= TOLERANCE

    def row(self) -> str:
        size = f"{self.size[0]}x{self.size[1]}"
        counts = f"{self.parameters:>12,} {self.keras_parameters:>12,}"
        return f"{self.name:<15} {size:>8} {counts} {self.logit:>14.3f} {self.difference:>11.1e}"


HEADER = f"{'network':<15} {'input':>8} {'parameters':>12} {'keras':>12} {'largest logit':>14} {'difference':>11}"


def compare(name: str, size: tuple[int, int] | None = None) -> Comparison:
    """Transfer the weights of a Keras application to the architecture of that name, and compare the logits.

    Args:
        name: File in archs/applications.
        size: Height and width; by default the size for which the network was designed.
    """
    keras.utils.clear_session()
    gc.collect()
    arch = load_arch(ARCHS / f"{name}.json")
    size = size or arch.input_shape
    theirs = application(name, size)
    ours = arch.build(size, NUM_CLASSES)
    images = np.random.default_rng(1).normal(size=(NUM_IMAGES, *size, 3)).astype(np.float32)
    randomize(theirs, images)
    for weight in ours.weights:
        weight.assign(np.full(weight.shape, np.nan, np.float32))
    move_weights(match_layers(theirs, ours))
    expected, logits = (keras.ops.convert_to_numpy(model(images)) for model in (theirs, ours))
    return Comparison(
        name=name,
        size=tuple(size),
        parameters=ours.count_params(),
        keras_parameters=theirs.count_params(),
        logit=float(np.abs(expected).max()),
        spread=float(np.ptp(expected, axis=0).max()),
        difference=float(np.abs(logits - expected).max()),
    )


def application(name: str, size: tuple[int, int]) -> keras.Model:
    """Keras's network without its preprocessing layers: preprocessed images -> logits."""
    make = getattr(keras.applications, APPLICATIONS[name])
    model = make(weights=None, input_shape=(*size, 3), classes=NUM_CLASSES, classifier_activation=None)
    kinds = (keras.layers.InputLayer, keras.layers.Rescaling, keras.layers.Normalization)
    start = next(index for index, layer in enumerate(model.layers) if not isinstance(layer, kinds))
    return keras.Model(model.layers[start - 1].output, model.output)


def randomize(network: keras.Model, images: np.ndarray) -> None:
    """Randomize all weights of a network, with batch norm statistics that keep the scale of the signal.

    With arbitrary statistics, the signal would grow or vanish from layer to layer and hide the effect of a wrong bias
    or mean.
    """
    generator = np.random.default_rng(0)
    for weight in network.weights:
        if weight.dtype == "float32":  # not the state of the generators of dropout
            weight.assign(_random_values(weight, generator).astype(np.float32))
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for norm in norms:
        norm.call = partial(_call_with_new_statistics, norm, generator)
    network(images)
    for norm in norms:
        del norm.call


def _call_with_new_statistics(
    norm: keras.layers.BatchNormalization, generator: np.random.Generator, images: Any, **options: Any
) -> Any:
    """A `call` of batch norm that first draws statistics close to those of its input."""
    scale = np.sqrt(np.mean(np.square(keras.ops.convert_to_numpy(images))))
    shape = norm.moving_mean.shape
    norm.moving_mean.assign(scale * generator.normal(0, 0.3, shape).astype(np.float32))
    norm.moving_variance.assign(scale**2 * generator.uniform(0.5, 1.5, shape).astype(np.float32))
    return type(norm).call(norm, images, **options)


def _random_values(weight: keras.Variable, generator: np.random.Generator) -> np.ndarray:
    if len(weight.shape) > 1:
        fan_in = np.prod(weight.shape[:2]) if "depthwise" in weight.path else np.prod(weight.shape[:-1])
        return generator.normal(0, np.sqrt(2 / fan_in), weight.shape)
    is_factor = weight.name in ("gamma", "moving_variance", "variable")  # Keras's layer scale is a "variable"
    return generator.uniform(0.5, 1.5, weight.shape) if is_factor else generator.normal(0, 0.3, weight.shape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "names", nargs="*", choices=[*APPLICATIONS, []], metavar="NAME", help="files in archs/applications; default all"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    rows = []
    if not arguments.json:
        print(HEADER, flush=True)
    for name in arguments.names or APPLICATIONS:
        for size in (None, UNEVEN):
            rows.append(compare(name, size))
            if not arguments.json:
                print(rows[-1].row(), flush=True)
    if arguments.json:
        print(json.dumps({"tolerance": TOLERANCE, "rows": [asdict(row) for row in rows]}, indent=2))
    sys.exit(not all(row.is_equal for row in rows))


if __name__ == "__main__":
    main()
