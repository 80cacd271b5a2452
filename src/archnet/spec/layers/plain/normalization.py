"""`NORM` and its older form `BN`: normalization layers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from archnet.files.strict_json import JsonPath
from archnet.spec.layers.base import operations
from archnet.spec.layers.base.layer import Traits
from archnet.spec.layers.base.norm import DEFAULT_GROUPS, Norm, NormName
from archnet.spec.layers.base.operations import CompositeLeaf, Operation
from archnet.spec.layers.base.shapes import Grid, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class NormLayer(CompositeLeaf):
    """A layer that only normalizes."""

    traits: ClassVar[Traits] = Traits(needs_spatial_axes=False, feature_map="same", drawn_as="other")

    @property
    @abstractmethod
    def rule(self) -> Norm:
        """The normalization."""

    @property
    def sees_whole_input(self) -> bool:
        return self.rule.uses_whole_map

    @property
    def channel_divisor(self) -> int:
        return self.rule.channel_divisor

    def output_shape(self, shape: Shape) -> Shape:
        self.rule.check(shape)
        return shape

    def operations(self, shape: Shape) -> tuple[Operation]:
        return (operations.normalization(shape, self.rule),)

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        return grid

    def idle_keys(self) -> Iterator[tuple[JsonPath, str]]:
        return self.rule.idle_keys()

    def summary(self) -> str:
        return self.rule.summary()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNorm(NormLayer):
    """`BN`: batch normalization layer."""

    @property
    def rule(self) -> Norm:
        return Norm()


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalization(NormLayer):
    """`NORM`: normalization layer; see `Norm` for the fields."""

    norm: NormName = "batch"
    groups: int = DEFAULT_GROUPS
    epsilon: float | None = None
    scale: bool = True
    center: bool = True

    @property
    def rule(self) -> Norm:
        return Norm(norm=self.norm, groups=self.groups, epsilon=self.epsilon, scale=self.scale, center=self.center)
