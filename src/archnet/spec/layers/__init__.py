"""The layer types: what each does to a shape, and what it costs.

Shapes are without batch and channels last, (height, width[, depth], channels) or (features,). The rules are Keras's,
and a test holds them against Keras, in what they give and in what they refuse. A layer here is plain data;
`network/build.py` gives it its Keras form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from math import ceil, prod
from typing import Any, Final, Literal

Shape = tuple[int, ...]
Activation = Literal["relu", "tanh", "sigmoid", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus"]
Padding = Literal["same", "valid"]


def per_axis(default: int | None = None) -> dict[str, Any]:
    """Marks a field that has one value for each spatial axis; a document may give one number for all, or none."""
    return {"per_axis": True, "default": default}


NOT_IN_DOCUMENT: Final = {"in_document": False}
"""Marks a field that the data set, not the document, decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer(ABC):
    """One entry of an architecture's `layers`."""

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """The shape this layer makes of `shape`.

        Raises:
            ValueError: The layer does not fit its input.
        """

    def num_parameters(self, shape: Shape) -> int:
        """Weights, trainable or not, as `keras.Model.count_params` counts them."""
        return 0

    def num_macs(self, shape: Shape) -> int:
        """Multiply-adds of one case's forward pass: convolutions and dense layers; the rest is small beside them."""
        return 0

    def num_activations(self, shape: Shape) -> int:
        """Values that one case's backward pass keeps: one tensor per operation, an activation in its layer's place."""
        return prod(self.output_shape(shape))

    @abstractmethod
    def summary(self) -> str:
        """The layer in a few words, for tables."""


def spatial_shape(shape: Shape) -> Shape:
    """The axes before the channels.

    Raises:
        ValueError: The shape has none, because something has flattened it.
    """
    if len(shape) < 2:
        raise ValueError(f"needs spatial axes, but its input {shape} is flat. Move it before the first FC or GAP")
    return shape[:-1]


def window_shape(size: Shape, kernel: Shape, stride: Shape, padding: Padding) -> Shape:
    """Positions of a sliding window along each axis (Dumoulin and Visin 2016, arXiv:1603.07285).

    >>> window_shape((64, 64), (3, 3), (2, 2), "same")
    (32, 32)

    Raises:
        ValueError: Under "valid", the kernel is larger than its input.
    """
    if padding == "same":
        return tuple(ceil(n / s) for n, s in zip(size, stride, strict=True))
    if any(k > n for n, k in zip(size, kernel, strict=True)):
        text = kernel[0] if len(set(kernel)) == 1 else kernel
        raise ValueError(
            f'"valid" with kernel {text} does not fit its input {size}. Remove a pooling or enlarge the crop'
        )
    return tuple((n - k) // s + 1 for n, k, s in zip(size, kernel, stride, strict=True))


def sizes_text(sizes: Shape) -> str:
    """Sizes along the axes as people write them.

    >>> sizes_text((3, 3, 1))
    '3x3x1'
    """
    return "x".join(map(str, sizes))


def _join_words(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)


def _drop_out_text(drop_out: float) -> str:
    return f"drop {drop_out:g}%" if drop_out else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution(Layer):
    """`C`: convolution with bias, then batch norm if asked, then activation, then dropout."""

    num_output: int
    kernel_size: Shape = field(metadata=per_axis())
    stride: Shape = field(metadata=per_axis(1))
    activation: Activation | None = None
    drop_out: float = 0.0
    padding: Padding = "same"
    dilation: Shape = field(metadata=per_axis(1))
    batch_norm: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        if max(self.stride) > 1 and max(self.dilation) > 1:
            raise ValueError(
                f"stride {sizes_text(self.stride)} and dilation {sizes_text(self.dilation)} cannot both be above 1. "
                "Set one of them to 1"
            )
        dilated_kernel = tuple((k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True))
        return (*window_shape(spatial_shape(shape), dilated_kernel, self.stride, self.padding), self.num_output)

    def num_parameters(self, shape: Shape) -> int:
        kernel = prod(self.kernel_size) * shape[-1] * self.num_output
        return kernel + self.num_output + (4 * self.num_output if self.batch_norm else 0)

    def num_macs(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * prod(self.kernel_size) * shape[-1]

    def num_activations(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * (1 + self.batch_norm + (self.drop_out > 0))

    def summary(self) -> str:
        return _join_words(
            f"{self.num_output} {sizes_text(self.kernel_size)}",
            f"stride {sizes_text(self.stride)}" if max(self.stride) > 1 else "",
            f"dilation {sizes_text(self.dilation)}" if max(self.dilation) > 1 else "",
            "valid" if self.padding == "valid" else "",
            "batch norm" if self.batch_norm else "",
            self.activation,
            _drop_out_text(self.drop_out),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling(Layer):
    """`P`: the maximum or the average of a window, then dropout."""

    pool: Literal["max", "avg"]
    kernel_size: Shape = field(metadata=per_axis())
    stride: Shape = field(metadata=per_axis())
    drop_out: float = 0.0
    padding: Padding = "same"

    def output_shape(self, shape: Shape) -> Shape:
        return (*window_shape(spatial_shape(shape), self.kernel_size, self.stride, self.padding), shape[-1])

    def num_activations(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * (1 + (self.drop_out > 0))

    def summary(self) -> str:
        return _join_words(
            f"{self.pool} {sizes_text(self.kernel_size)}",
            f"stride {sizes_text(self.stride)}" if self.stride != self.kernel_size else "",
            "valid" if self.padding == "valid" else "",
            _drop_out_text(self.drop_out),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FullyConnected(Layer):
    """`FC`: a dense layer; it flattens what has spatial axes."""

    num_output: int
    activation: Activation | None = None
    drop_out: float = 0.0
    batch_norm: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        return (self.num_output,)

    def num_parameters(self, shape: Shape) -> int:
        return (prod(shape) + 1 + (4 if self.batch_norm else 0)) * self.num_output

    def num_macs(self, shape: Shape) -> int:
        return prod(shape) * self.num_output

    def num_activations(self, shape: Shape) -> int:
        return self.num_output * (1 + self.batch_norm + (self.drop_out > 0))

    def summary(self) -> str:
        return _join_words(
            str(self.num_output),
            "batch norm" if self.batch_norm else "",
            self.activation,
            _drop_out_text(self.drop_out),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal(Layer):
    """`T`: the classes.

    Attributes:
        activation: null and "softmax" mean the same network: one logit per class, trained by cross-entropy, told as
            softmax probabilities. "sigmoid" has one logit, that of the second class.
        num_classes: Of the data set.
    """

    activation: Literal["softmax", "sigmoid"] | None = None
    num_classes: int = field(default=2, metadata=NOT_IN_DOCUMENT)

    @property
    def num_output(self) -> int:
        """Logits: one per class, or a single one for two classes under "sigmoid".

        Raises:
            ValueError: "sigmoid" with more than two classes.
        """
        if self.activation != "sigmoid":
            return self.num_classes
        if self.num_classes != 2:
            raise ValueError(f'"sigmoid" is for two classes, the data have {self.num_classes}. Use "softmax"')
        return 1

    def output_shape(self, shape: Shape) -> Shape:
        return (self.num_output,)

    def num_parameters(self, shape: Shape) -> int:
        return (prod(shape) + 1) * self.num_output

    def num_macs(self, shape: Shape) -> int:
        return prod(shape) * self.num_output

    def summary(self) -> str:
        return _join_words(f"{self.num_classes} classes", self.activation or "linear")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropout(Layer):
    """`DO`: dropout on its own."""

    drop_out: float

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def summary(self) -> str:
        return _drop_out_text(self.drop_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm(Layer):
    """`BN`: batch normalisation on its own (Ioffe and Szegedy 2015, arXiv:1502.03167)."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def num_parameters(self, shape: Shape) -> int:
        return 4 * shape[-1]

    def summary(self) -> str:
        return "batch norm"


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalAveragePooling(Layer):
    """`GAP`: the mean of each channel; (…, channels) becomes (channels,)."""

    def output_shape(self, shape: Shape) -> Shape:
        spatial_shape(shape)
        return shape[-1:]

    def summary(self) -> str:
        return "global average"


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual(Layer):
    """`RES`: activation(F(x) + S(x)) (He et al. 2016, doi:10.1109/CVPR.2016.90).

    F is `layers`; S is the identity where shapes agree, else a 1x1 convolution with bias, "same" padding and the
    product of F's strides, followed by batch norm if asked. The costs told here are those of S and of the sum; the
    inner layers tell their own.
    """

    layers: tuple[Layer, ...]
    activation: Activation | None = None
    batch_norm: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        output = chain_shape(self.layers, shape)
        shortcut_shape = shape if output == shape else self.shortcut(shape, output[-1]).output_shape(shape)
        if shortcut_shape != output:
            raise ValueError(
                f"the inner layers make {output} of {shape}, but a shortcut with their strides makes {shortcut_shape}. "
                'Use "same" padding inside, or strides that divide the input'
            )
        return output

    def shortcut(self, shape: Shape, num_output: int) -> Convolution:
        """The 1x1 convolution that S is where the shapes of input and output differ."""
        rank = len(spatial_shape(shape))
        return Convolution(
            num_output=num_output,
            kernel_size=(1,) * rank,
            stride=total_stride(self.layers, rank),
            dilation=(1,) * rank,
            batch_norm=self.batch_norm,
        )

    def _projection(self, shape: Shape) -> Convolution | None:
        output = self.output_shape(shape)
        return None if output == shape else self.shortcut(shape, output[-1])

    def num_parameters(self, shape: Shape) -> int:
        projection = self._projection(shape)
        return projection.num_parameters(shape) if projection else 0

    def num_macs(self, shape: Shape) -> int:
        projection = self._projection(shape)
        return projection.num_macs(shape) if projection else 0

    def num_activations(self, shape: Shape) -> int:
        projection = self._projection(shape)
        return prod(self.output_shape(shape)) + (projection.num_activations(shape) if projection else 0)

    def summary(self) -> str:
        return _join_words("sum", self.activation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(Layer):
    """`REP`: the inner layers, `times` over, each time with fresh weights; they tell their own costs."""

    times: int
    layers: tuple[Layer, ...]

    def output_shape(self, shape: Shape) -> Shape:
        return chain_shape(self.layers * self.times, shape)

    def num_activations(self, shape: Shape) -> int:
        return 0

    def summary(self) -> str:
        return f"{self.times} times"


LAYERS: Final[dict[str, type[Layer]]] = {
    "C": Convolution,
    "P": Pooling,
    "FC": FullyConnected,
    "T": Terminal,
    "DO": Dropout,
    "BN": BatchNorm,
    "GAP": GlobalAveragePooling,
    "RES": Residual,
    "REP": Repeat,
}

TYPE_NAMES: Final[dict[type[Layer], str]] = {layer: name for name, layer in LAYERS.items()}


def chain_shape(layers: tuple[Layer, ...], shape: Shape) -> Shape:
    """What a sequence of layers makes of a shape.

    Raises:
        ValueError: A layer does not fit its input.
    """
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


def total_stride(layers: tuple[Layer, ...], rank: int) -> Shape:
    """The product of the strides of a sequence, for each axis."""
    total = (1,) * rank
    for layer in layers:
        total = tuple(a * b for a, b in zip(total, _layer_stride(layer, rank), strict=True))
    return total


def _layer_stride(layer: Layer, rank: int) -> Shape:
    match layer:
        case Convolution() | Pooling():
            return layer.stride
        case Residual():
            return total_stride(layer.layers, rank)
        case Repeat():
            return total_stride(layer.layers * layer.times, rank)
        case _:
            return (1,) * rank


def num_layers(layers: tuple[Layer, ...]) -> int:
    """Layers of a sequence once every REP is written out."""
    return sum(
        layer.times * num_layers(layer.layers) if isinstance(layer, Repeat)
        else 1 + num_layers(layer.layers) if isinstance(layer, Residual)
        else 1
        for layer in layers
    )  # fmt: skip


def parse_layer(document: dict[str, Any], rank: int) -> Layer:
    """The layer that a valid layer document describes.

    Args:
        document: An entry of `layers` that the schema has accepted.
        rank: Number of spatial axes, which plain numbers are spread over.
    """
    kind = LAYERS[document["type"]]
    values = {key: value for key, value in document.items() if key != "type"}
    if "layers" in values:
        values["layers"] = tuple(parse_layer(inner, rank) for inner in values["layers"])
    if kind is Pooling:
        values.setdefault("stride", values["kernel_size"])
    for item in fields(kind):
        if item.metadata.get("per_axis"):
            values[item.name] = _spread_over_axes(values.get(item.name, item.metadata["default"]), rank)
        elif item.type in ("int", int) and item.name in values:
            values[item.name] = int(values[item.name])
    return kind(**values)


def _spread_over_axes(value: Any, rank: int) -> Shape:
    return tuple(int(size) for size in value) if isinstance(value, (list, tuple)) else (int(value),) * rank


def layer_document(layer: Layer) -> dict[str, Any]:
    """The document of a layer, with every default written out; `parse_layer` reads it back."""
    document: dict[str, Any] = {"type": TYPE_NAMES[type(layer)]}
    for item in fields(layer):
        if not item.metadata.get("in_document", True):
            continue
        value = getattr(layer, item.name)
        if item.name == "layers":
            value = [layer_document(inner) for inner in value]
        document[item.name] = list(value) if isinstance(value, tuple) else value
    return document
