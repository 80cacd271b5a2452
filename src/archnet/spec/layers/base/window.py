"""Sliding windows, as convolutions and poolings move them: output sizes and where each window is centered."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

from archnet.spec.layers.base.shapes import Grid, Shape, spatial_shape

Padding = Literal["same", "valid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A window that slides along the spatial axes.

    Attributes:
        size: Extent along each axis, with the gaps of a dilated kernel.
        stride: Step along each axis.
        padding: "same" pads with as little as keeps ceil(n / stride) positions; "valid" does not pad.
    """

    size: Shape
    stride: Shape
    padding: Padding

    def positions(self, shape: Shape) -> Shape:
        """Positions along each axis of a shape with channels (Dumoulin and Visin 2016, arXiv:1603.07285).

        >>> Window(size=(3, 3), stride=(2, 2), padding="same").positions((64, 64, 1))
        (32, 32)
        >>> Window(size=(3, 3), stride=(2, 2), padding="valid").positions((3, 4, 1))
        (1, 1)

        Raises:
            ValueError: The shape is flat, or the window is larger than it under "valid".
        """
        lengths = spatial_shape(shape)
        if self.padding == "same":
            return tuple(ceil(n / s) for n, s in zip(lengths, self.stride, strict=True))
        if any(k > n for n, k in zip(lengths, self.size, strict=True)):
            text = self.size[0] if len(set(self.size)) == 1 else self.size
            raise ValueError(
                f'"valid" with kernel {text} does not fit its input {lengths}. Remove a pooling or enlarge the crop'
            )
        return tuple((n - k) // s + 1 for n, k, s in zip(lengths, self.size, self.stride, strict=True))

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        """Where the windows' centers lie; see `Layer.propagate_grid`."""
        axes = zip(grid, self.size, self.stride, self._paddings_before(shape), strict=True)
        return tuple(
            (start + step * ((size - 1) / 2 - padding), step * stride) for (start, step), size, stride, padding in axes
        )

    def _paddings_before(self, shape: Shape) -> Shape:
        """Zeros before the first value of each axis; an odd one more goes behind the last."""
        if self.padding == "valid":
            return (0,) * len(self.size)
        axes = zip(self.positions(shape), self.stride, self.size, spatial_shape(shape), strict=True)
        return tuple(max((n - 1) * stride + size - length, 0) // 2 for n, stride, size, length in axes)


def dilated_kernel_size(kernel_size: Shape, dilation: Shape) -> Shape:
    """The extent of a kernel whose taps are apart.

    >>> dilated_kernel_size((3, 3), (1, 2))
    (3, 5)
    """
    return tuple((size - 1) * gap + 1 for size, gap in zip(kernel_size, dilation, strict=True))
