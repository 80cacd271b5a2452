"""`VIEWS`: 2D layers on planes of a volume."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from math import prod
from typing import Any, ClassVar, Literal

from archnet.spec.layers.base import operations
from archnet.spec.layers.base.layer import InnerSequence, Layer, Traits
from archnet.spec.layers.base.layer_fit import LayerFitError
from archnet.spec.layers.base.marks import INNER_PLANE_LAYERS, WIDTH
from archnet.spec.layers.base.operations import CompositeLayer, Operation
from archnet.spec.layers.base.planes import AXIAL, PLANES, Plane, PlanesName, planes_of
from archnet.spec.layers.base.sequences import chain_shape
from archnet.spec.layers.base.shapes import Grid, Shape, sizes_text, spatial_shape
from archnet.spec.layers.base.words import join_words

Fusion = Literal["concat", "mean", "max", "attention"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Views(CompositeLayer):
    """`VIEWS`: applies 2D layers to planes of a volume and fuses the features.

    "nine" means the planes of Setio et al. 2016 (doi:10.1109/TMI.2016.2536809). "attention" is gated attention pooling
    (Ilse et al. 2018, arXiv:1802.04712): a mean of the planes' features with weights that depend on the features.

    Attributes:
        planes: The set of planes.
        layers: The layers applied to each plane; they end with flat features.
        shared: Whether all planes share the weights, or each plane has its own.
        fuse: How the features of the planes are combined.
        attention_size: Number of hidden units for "attention".
    """

    traits: ClassVar[Traits] = Traits(
        needs_spatial_axes=True,
        flattens=True,
        repeats=True,
        rows_remedy='Set its "shared" to true.',
        feature_map="none",
        drawn_as="features",
    )

    planes: PlanesName
    layers: tuple[Layer, ...] = field(metadata=INNER_PLANE_LAYERS)
    shared: bool = True
    fuse: Fusion = "concat"
    attention_size: int = field(default=64, metadata=WIDTH)

    def volume_planes(self, shape: Shape) -> tuple[Plane, ...]:
        """The planes of an input, in the order of their features."""
        if len(spatial_shape(shape)) != 3:
            raise ValueError(
                f"needs a volume, but its input {sizes_text(shape)} is a plane. Replace it with its layers"
            )
        if self.uses_oblique_planes:
            self._check_cube(shape)
        return planes_of(self.planes, shape[2])

    def _check_cube(self, shape: Shape) -> None:
        lengths = shape[:-1]
        if len(set(lengths)) > 1:
            cube = sizes_text((min(lengths),) * 3)
            raise ValueError(
                f'"{self.planes}" needs a cube, but its input is {sizes_text(lengths)}. Use planes "slices" or '
                f'"axial", a CROP to {cube} before it, or cubic crops, such as data.crop_size=[32, 32, 32]'
            )

    def _plane_shape(self, shape: Shape) -> Shape:
        return self.volume_planes(shape)[0].shape(shape)

    def _features(self, shape: Shape) -> Shape:
        """The number of planes, and the number of features per plane."""
        planes = self.volume_planes(shape)
        features = chain_shape(self.layers, planes[0].shape(shape))
        if len(features) > 1:
            raise ValueError(
                f"needs flat features of each plane, but its layers give {sizes_text(features)}. End them with GAP, "
                "GMP or FC"
            )
        if self.fuse == "attention" and len(planes) == 1:
            message = '"attention" weights planes, but there is only one. Set fuse to "concat"'
            raise LayerFitError(message, fuse="concat")
        return len(planes), features[0]

    def output_shape(self, shape: Shape) -> Shape:
        num_planes, num_features = self._features(shape)
        return (num_planes * num_features if self.fuse == "concat" else num_features,)

    def operations(self, shape: Shape) -> Sequence[Operation]:
        """The extraction of the planes, and the fusion of their features."""
        num_planes, num_features = features = self._features(shape)
        extraction = operations.elementwise((num_planes, *self._plane_shape(shape)))
        if num_planes == 1 or self.fuse == "concat":
            return (extraction,)
        fusion = operations.reduction(features, (num_features,))
        if self.fuse != "attention":
            return extraction, fusion
        hidden = (num_planes, self.attention_size)
        return (
            extraction,
            operations.dense(features, self.attention_size),
            operations.activation(hidden, "tanh"),
            operations.dense(features, self.attention_size),
            operations.activation(hidden, "sigmoid"),
            operations.elementwise(hidden),
            operations.dense(hidden, 1, bias=False),
            operations.elementwise((num_planes,)),
            fusion,
        )

    def widths(self) -> dict[str, int]:
        return CompositeLayer.widths(self) if self.fuse == "attention" else {}

    def num_pending_gradients(self, shape: Shape) -> int:
        return 0

    def num_input_gradients(self, shape: Shape) -> int:
        """TensorFlow computes and sums one gradient of the volume per plane; slices have a single one."""
        planes = self.volume_planes(shape)
        return 0 if self.planes == "slices" else len(planes) * prod(shape)

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return ()

    def inner_sequences(self, shape: Shape) -> Iterable[InnerSequence]:
        planes = self.volume_planes(shape)
        inner = InnerSequence(layers=self.layers, path=("layers",), input_shape=self._plane_shape(shape))
        if self.shared or len(planes) == 1:
            return (replace(inner, num_planes=len(planes)),)
        return tuple(replace(inner, repetition=number) for number in range(len(planes)))

    def inner_grids(self, grid: Grid, shape: Shape) -> Iterator[Grid]:
        (*_, crossed) = self.volume_planes(shape)[0].axes
        return repeat(tuple(axis for number, axis in enumerate(grid) if number != crossed))

    @property
    def uses_oblique_planes(self) -> bool:
        return any(plane.axes != AXIAL.axes for plane in PLANES.get(self.planes, ()))

    def expand(self) -> Iterable[Layer]:
        return (self,)

    def num_rows(self) -> int:
        num_sequences = 1 if self.shared else len(PLANES[self.planes])
        return 1 + num_sequences * sum(layer.num_rows() for layer in self.layers)

    @classmethod
    def document_problems(cls, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if document.get("planes") == "slices" and document.get("shared") is False:
            yield "shared", 'the slices of a volume share their weights. Remove "shared", or use planes "nine".'
        if document.get("planes") == "axial" and document.get("fuse") == "attention":
            yield "fuse", '"attention" weights planes, but "axial" is only one. Remove "fuse", or use other planes.'

    def summary(self) -> str:
        return join_words(self.planes, self.fuse, "" if self.shared else "not shared")
