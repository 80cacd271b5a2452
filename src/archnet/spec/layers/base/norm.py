"""Normalization: the axes, weights and memory of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Final, Literal

from archnet.files.strict_json import JsonPath
from archnet.spec.layers.base.marks import document_form
from archnet.spec.layers.base.shapes import Shape

NormName = Literal["batch", "group", "instance", "layer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NormKind:
    """One kind of normalization.

    Attributes:
        epsilon: Default value added to the variance.
        num_moving: Number of moving statistics per channel.
        num_stored: Values stored for the backward pass per output value, measured; see
            `experiments/bench_memory.py`.
        needs_spatial_axes: Whether a flat input is rejected, because a case has one value per channel.
    """

    epsilon: float = 1e-3
    num_moving: int = 0
    num_stored: float = 1.0
    needs_spatial_axes: bool = False


NORMS: Final[dict[NormName, NormKind]] = {
    "batch": NormKind(num_moving=2),
    "group": NormKind(needs_spatial_axes=True),
    "instance": NormKind(needs_spatial_axes=True),
    "layer": NormKind(epsilon=1e-6, num_stored=2.0),
}
"""Batch (Ioffe and Szegedy 2015, arXiv:1502.03167), group (Wu and He 2018, doi:10.1007/978-3-030-01261-8_1), instance
(Ulyanov et al. 2016, arXiv:1607.08022) and layer normalization (Ba et al. 2016, arXiv:1607.06450), here over the
channels of each voxel."""


DEFAULT_GROUPS: Final = 8
"""Default number of groups of group normalization."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm:
    """A normalization of the channels.

    Attributes:
        norm: The values over which the mean and variance are computed. "batch": one channel over all voxels of the
            batch; "group", "instance": a group of channels, or one channel, over the voxels of one case; "layer": the
            channels of one voxel.
        groups: Number of groups for "group".
        epsilon: Value added to the variance; null means the default of the kind.
        scale: Whether each channel is multiplied by a learned weight.
        center: Whether a learned offset is added to each channel.
    """

    norm: NormName = "batch"
    groups: int = DEFAULT_GROUPS
    epsilon: float | None = None
    scale: bool = True
    center: bool = True

    @property
    def kind(self) -> NormKind:
        """The properties of this kind of normalization."""
        return NORMS[self.norm]

    @property
    def variance_epsilon(self) -> float:
        """The value added to the variance."""
        return self.kind.epsilon if self.epsilon is None else self.epsilon

    @property
    def uses_batch(self) -> bool:
        """Whether a case's output depends on the other cases of its batch in training."""
        return self.kind.num_moving > 0

    @property
    def uses_whole_map(self) -> bool:
        """Whether a voxel's output depends on all voxels of its case."""
        return self.kind.needs_spatial_axes

    @property
    def channel_divisor(self) -> int:
        """A number that must divide the channels."""
        return self.groups if self.norm == "group" else 1

    def check(self, shape: Shape) -> None:
        """Check that a tensor can be normalized.

        Args:
            shape: Without batch, channels last.

        Raises:
            ValueError: The groups do not divide the channels, the kind needs spatial axes but has none, or each
                value would be normalized by itself.
        """
        if self.kind.needs_spatial_axes and len(shape) == 1:
            raise ValueError(
                f'norm "{self.norm}" needs spatial axes, but its input {shape} is flat. Use "batch" or "layer"'
            )
        if self.norm == "group" and shape[-1] % self.groups:
            raise ValueError(
                f"{shape[-1]} channels are not divisible into {self.groups} groups. Set the norm's groups to a divisor "
                f"of {shape[-1]}"
            )

        if self._num_values(shape) == 1:
            raise ValueError(
                f'norm "{self.norm}" on the input {shape} normalizes each value by itself, which makes all of them 0. '
                "Use a different norm or a larger input"
            )

    def _num_values(self, shape: Shape) -> int | None:
        """Values in each mean; null for "batch", which also includes those of other cases."""
        num_voxels = prod(shape[:-1])
        sizes = {"group": num_voxels * shape[-1] // self.groups, "instance": num_voxels, "layer": shape[-1]}
        return sizes.get(self.norm)

    def num_weights(self, num_channels: int) -> int:
        """Number of weights, trainable or not."""
        return (self.scale + self.center + self.kind.num_moving) * num_channels

    def idle_keys(self) -> Iterator[tuple[JsonPath, str]]:
        """Keys without effect; see `Layer.idle_keys`."""
        if self.norm != "group" and self.groups != DEFAULT_GROUPS:
            yield ("groups",), f'this has no effect with "{self.norm}". Remove it, or set the norm to "group".'

    def summary(self) -> str:
        """Short description, for tables."""
        return f"group norm of {self.groups}" if self.norm == "group" else f"{self.norm} norm"


def num_norm_weights(norm: Norm | None, shape: Shape) -> int:
    """Number of weights of a normalization of a tensor; 0 without one."""
    return norm.num_weights(shape[-1]) if norm else 0


def num_norm_stored(norm: Norm | None) -> float:
    """Values that a normalization stores for the backward pass, in multiples of its output size; 0 without one."""
    return norm.kind.num_stored if norm else 0.0


def norm_text(norm: Norm | None) -> str:
    """Describe a normalization for tables; empty without one."""
    return norm.summary() if norm else ""


def norm_divisor(norm: Norm | None) -> int:
    """A number that must divide the channels that a normalization follows."""
    return norm.channel_divisor if norm else 1


def idle_norm_keys(norm: Norm | None) -> Iterator[tuple[JsonPath, str]]:
    """Keys of a layer's norm without effect; see `Layer.idle_keys`."""
    for path, text in norm.idle_keys() if norm else ():
        yield ("norm", *path), text


def _read_norm(value: Any, rank: int) -> Norm | None:
    if value is None:
        return None
    options = {"norm": value} if isinstance(value, str) else value
    return Norm(**({**options, "groups": int(options["groups"])} if "groups" in options else options))


def _write_norm(norm: Norm | None) -> dict[str, Any] | None:
    return None if norm is None else asdict(norm)


NORM: Final = document_form(_read_norm, _write_norm)
"""Mark of a normalization field: a document has null, the name of a kind, or an object with `Norm`'s keys."""
