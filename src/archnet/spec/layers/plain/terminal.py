"""`T`: output layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import ClassVar, Literal

from archnet.spec.layers.base.layer import LeafLayer, Traits
from archnet.spec.layers.base.layer_fit import LayerFitError
from archnet.spec.layers.base.marks import NUM_CLASSES
from archnet.spec.layers.base.shapes import Grid, Shape
from archnet.spec.layers.base.words import join_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal(LeafLayer):
    """`T`: output layer.

    Attributes:
        activation: null and "softmax" mean the same network: one logit per class, trained by cross-entropy, reported
            as softmax probabilities. "sigmoid" has one logit, that of the second class.
        num_classes: Number of classes in the data set.
    """

    traits: ClassVar[Traits] = Traits(
        needs_spatial_axes=False, flattens=True, is_terminal=True, feature_map="none", drawn_as="classes"
    )

    activation: Literal["softmax", "sigmoid"] | None = None
    num_classes: int = field(default=2, metadata=NUM_CLASSES)

    @property
    def num_output(self) -> int:
        """Number of logits: one per class, or a single one for two classes with "sigmoid".

        Raises:
            ValueError: "sigmoid" with more than two classes.
        """
        if self.activation != "sigmoid":
            return self.num_classes
        if self.num_classes != 2:
            message = f'"sigmoid" is for two classes, but the data have {self.num_classes}. Use "softmax"'
            raise LayerFitError(message, activation="softmax")
        return 1

    def output_shape(self, shape: Shape) -> Shape:
        return (self.num_output,)

    def num_parameters(self, shape: Shape) -> int:
        return (prod(shape) + 1) * self.num_output

    def num_penalized_parameters(self, shape: Shape) -> int:
        return self.num_parameters(shape)

    def num_macs(self, shape: Shape) -> int:
        return prod(shape) * self.num_output

    def num_activations(self, shape: Shape) -> int:
        return self.num_output

    def num_stored_values(self, shape: Shape) -> float:
        return self.num_output

    def num_transient_values(self, shape: Shape) -> float:
        return prod(shape) + self.num_output

    @property
    def is_output_stored(self) -> bool:
        return True

    def normalizes_batch(self, shape: Shape) -> bool:
        return False

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return ()

    def summary(self) -> str:
        return join_words(f"{self.num_classes} classes", self.activation or "linear")
