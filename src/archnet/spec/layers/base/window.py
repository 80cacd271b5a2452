"""Sliding windows of convolutions and pooling: output sizes and window centers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, prod
from typing import Any, Final, Literal

from archnet.spec.layers.base.layer_fit import LayerFitError
from archnet.spec.layers.base.marks import document_form
from archnet.spec.layers.base.shapes import AxisGrid, Grid, Shape, spatial_shape

AxisPadding = tuple[int, int]
"""Number of zeros before and after the values of an axis."""

Padding = Literal["same", "valid"] | tuple[AxisPadding, ...]
"""A Keras padding mode, or the numbers of zeros at both ends of each axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A window that slides along the spatial axes.

    Attributes:
        size: Extent along each axis, with the gaps of a dilated kernel.
        stride: Step along each axis.
        padding: "same" pads to keep ceil(n / stride) positions; "valid" does not pad; numbers pad explicitly with
            zeros.
    """

    size: Shape
    stride: Shape
    padding: Padding

    @property
    def zeros(self) -> tuple[AxisPadding, ...]:
        """The explicit padding; empty for "same" and "valid"."""
        return () if isinstance(self.padding, str) else self.padding

    def padded_shape(self, shape: Shape) -> Shape:
        """A shape with channels after explicit padding."""
        lengths = spatial_shape(shape)
        return (
            *(n + sum(zeros) for n, zeros in zip(lengths, self.zeros or ((0, 0),) * len(lengths), strict=True)),
            shape[-1],
        )

    def num_padded_values(self, shape: Shape) -> int:
        """Values of the explicitly padded tensor, 0 without explicit padding."""
        return prod(self.padded_shape(shape)) if self.zeros else 0

    def positions(self, shape: Shape) -> Shape:
        """Number of positions along each axis of a shape with channels (Dumoulin and Visin 2016, arXiv:1603.07285).

        >>> Window(size=(3, 3), stride=(2, 2), padding="same").positions((64, 64, 1))
        (32, 32)
        >>> Window(size=(3, 3), stride=(2, 2), padding="valid").positions((3, 4, 1))
        (1, 1)
        >>> Window(size=(3, 3), stride=(2, 2), padding=((0, 1), (1, 1))).positions((64, 64, 1))
        (32, 32)

        Raises:
            ValueError: The shape is flat, or the window is larger than the (explicitly padded) input.
        """
        return _positions(self, shape)

    def propagate_grid(self, grid: Grid, shape: Shape) -> Grid:
        """The receptive fields of the windows; see `Layer.propagate_grid`."""
        return _window_grid(self, grid, shape)

    def paddings_before(self, shape: Shape) -> Shape:
        """Zeros before the first value of each axis; for "same", an odd extra zero is placed after the last."""
        if self.padding != "same":
            return tuple(before for before, _ in self.zeros) or (0,) * len(self.size)
        axes = zip(self.positions(shape), self.stride, self.size, spatial_shape(shape), strict=True)
        return tuple(max((n - 1) * stride + size - length, 0) // 2 for n, stride, size, length in axes)


@lru_cache(maxsize=8192)
def _window_grid(window: Window, grid: Grid, shape: Shape) -> Grid:
    """The receptive fields of the windows; cached, because they are computed again after each change of a text."""
    axes = zip(grid, window.size, window.stride, window.paddings_before(shape), strict=True)
    return tuple(
        AxisGrid(axis.first - axis.step * padding, axis.last + axis.step * (size - 1 - padding), axis.step * stride)
        for axis, size, stride, padding in axes
    )


@lru_cache(maxsize=8192)
def _positions(window: Window, shape: Shape) -> Shape:
    """Number of positions of a window; cached, because each cost of a layer needs it.

    Raises:
        ValueError: The shape is flat, or the window is larger than the (explicitly padded) input.
    """
    if window.padding == "same":
        return tuple(ceil(n / s) for n, s in zip(spatial_shape(shape), window.stride, strict=True))
    lengths = spatial_shape(window.padded_shape(shape))
    if any(k > n for n, k in zip(lengths, window.size, strict=True)):
        sizes = set(window.size)
        size = sizes.pop() if len(sizes) == 1 else window.size
        around = f"padding {padding_text(window.padding)}" if window.zeros else '"valid"'
        raise LayerFitError(
            f"{around} with kernel {size} does not fit its input {spatial_shape(shape)}. "
            "Remove a pooling or enlarge the crop",
            padding="same",
        )
    return tuple((n - k) // s + 1 for n, k, s in zip(lengths, window.size, window.stride, strict=True))


@lru_cache(maxsize=4096)
def kernel_window(kernel_size: Shape, dilation: Shape, stride: Shape, padding: Padding) -> Window:
    """The sliding window of a dilated kernel; cached, because each cost of a layer needs it."""
    return Window(size=dilated_kernel_size(kernel_size, dilation), stride=stride, padding=padding)


def dilated_kernel_size(kernel_size: Shape, dilation: Shape) -> Shape:
    """Extent of a dilated kernel.

    >>> dilated_kernel_size((3, 3), (1, 2))
    (3, 5)
    """
    return tuple((size - 1) * gap + 1 for size, gap in zip(kernel_size, dilation, strict=True))


def padding_text(padding: Padding) -> str:
    """Format a padding for tables; empty for "same".

    >>> padding_text("valid"), padding_text(((1, 1), (1, 1))), padding_text(((0, 1), (2, 2)))
    ('valid', '1x1', '0+1x2')
    """
    if isinstance(padding, str):
        return "" if padding == "same" else padding
    return "x".join(str(before) if before == after else f"{before}+{after}" for before, after in padding)


def pad_text(padding: Padding) -> str:
    """Format a padding in the summary of a layer; empty for "same"."""
    return padding_text(padding) if isinstance(padding, str) else f"pad {padding_text(padding)}"


def _read_padding(value: Any, rank: int) -> Padding:
    """Read explicit padding as zeros at both ends of each axis, from one number, one per axis, or one per end.

    >>> _read_padding(1, 2), _read_padding([[0, 1], 2], 2)
    (((1, 1), (1, 1)), ((0, 1), (2, 2)))
    """
    if value is None:
        return "same"
    if isinstance(value, str):
        return "valid" if value == "valid" else "same"
    sizes = value if isinstance(value, list | tuple) else [value] * rank
    pairs = (size if isinstance(size, list | tuple) else (size, size) for size in sizes)
    return tuple((int(before), int(after)) for before, after in pairs)


def _write_padding(padding: Padding) -> Any:
    return padding if isinstance(padding, str) else [list(zeros) for zeros in padding]


PADDING: Final = document_form(_read_padding, _write_padding, has_axes=True)
"""Mark of a padding field: a document has the name of a mode, a number, or numbers for each axis."""
