"""Windows along a depth axis that is added to a 2D layer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from archnet.spec.layers.base.shapes import Shape
from archnet.spec.layers.base.window import AxisPadding, Padding


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisWindow:
    """A sliding window along one axis.

    Attributes:
        num_taps: Size of the kernel.
        stride: Step of the window.
        dilation: Distance between the taps.
        padding: Padding of the axis: a Keras mode, or the numbers of zeros at both ends.
    """

    num_taps: int
    stride: int = 1
    dilation: int = 1
    padding: Literal["same", "valid"] | AxisPadding = "same"

    @property
    def extent(self) -> int:
        """Size of the window, with the gaps of a dilated kernel."""
        return (self.num_taps - 1) * self.dilation + 1

    def num_positions(self, length: int) -> int:
        """Positions along an axis; 0 or less if the window does not fit."""
        if self.padding == "same":
            return -(-length // self.stride)
        return (length + sum(self._zeros) - self.extent) // self.stride + 1

    @property
    def _zeros(self) -> AxisPadding:
        return (0, 0) if isinstance(self.padding, str) else self.padding

    def _padding_before(self, length: int) -> int:
        if self.padding != "same":
            return self._zeros[0]
        return max((self.num_positions(length) - 1) * self.stride + self.extent - length, 0) // 2

    def sees_values(self, tap: int, length: int) -> bool:
        """Whether a tap covers a value of an axis at some position, not only padding.

        >>> [AxisWindow(num_taps=3, stride=2).sees_values(tap, 2) for tap in range(3)]
        [True, True, False]
        """
        first = self._padding_before(length) - tap * self.dilation
        lowest = max(-(-first // self.stride), 0)
        highest = min((first + length - 1) // self.stride, self.num_positions(length) - 1)
        return lowest <= highest


def fit_window(window: AxisWindow, length: int) -> AxisWindow:
    """Reduce a window until it fits the axis and every tap covers a value.

    The result has at most 2 * length - 1 taps, and 1 tap if the length is 1.

    >>> fit_window(AxisWindow(num_taps=7), 2).num_taps
    3

    Args:
        window: The window along another axis.
        length: Length of the axis, at least 1.
    """
    if length == 1:
        return _without_zeros(replace(window, num_taps=1, stride=1))
    fitting = _with_taps(window, min(window.num_taps, 2 * length - 1))
    while fitting.num_taps > 1 and not _is_useful(fitting, length):
        fitting = _without_a_tap(fitting, length)
    if not _is_useful(fitting, length):  # the stride may skip from the zeros before the values to those after them
        fitting = _without_zeros(fitting)
    if fitting.num_positions(length) == 1:
        fitting = replace(fitting, stride=min(fitting.stride, length))
    return fitting


def _is_useful(window: AxisWindow, length: int) -> bool:
    """Whether the window fits the axis and every tap covers a value."""
    fits = window.num_positions(length) >= 1
    return fits and all(window.sees_values(tap, length) for tap in range(window.num_taps))


def _without_zeros(window: AxisWindow) -> AxisWindow:
    return window if isinstance(window.padding, str) else replace(window, padding=(0, 0))


def _with_taps(window: AxisWindow, num_taps: int) -> AxisWindow:
    """Remove taps from both ends of a window; the numbers of zeros are reduced as well."""
    num_removed = window.num_taps - num_taps
    return _trim(window, num_removed // 2, num_removed - num_removed // 2)


def _without_a_tap(window: AxisWindow, length: int) -> AxisWindow:
    """Remove the first tap of a window if only that one covers no value, else the last."""
    last_sees = window.sees_values(window.num_taps - 1, length)
    is_first = window.num_positions(length) >= 1 and last_sees and not window.sees_values(0, length)
    return _trim(window, int(is_first), int(not is_first))


def _trim(window: AxisWindow, num_first: int, num_last: int) -> AxisWindow:
    """Remove taps at both ends of a window, and as many zeros, which preserves the positions."""
    padding = window.padding
    if not isinstance(padding, str):
        before, after = padding
        padding = (max(before - num_first * window.dilation, 0), max(after - num_last * window.dilation, 0))
    return replace(window, num_taps=window.num_taps - num_first - num_last, padding=padding)


def height_window(kernel_size: Shape, stride: Shape, dilation: Shape, padding: Padding) -> AxisWindow:
    """The window of a layer along the height."""
    return AxisWindow(
        num_taps=kernel_size[0],
        stride=stride[0],
        dilation=dilation[0],
        padding=padding if isinstance(padding, str) else padding[0],
    )


DepthSizes = dict[str, int | AxisPadding]
"""The entry along the depth by key of a layer document; keys without entries per axis are absent."""


def window_sizes(window: AxisWindow, depth: int, keys: Iterable[str], *, keeps_depth: bool) -> DepthSizes:
    """Entries along the depth for keys of a layer; see `Layer.depth_sizes`.

    Args:
        window: The window along the height.
        depth: Depth of the input.
        keys: The keys that the layer has.
        keeps_depth: Whether the output must have the depth of the input.
    """
    fitting = fit_window(window, 1 if keeps_depth else depth)
    sizes: DepthSizes = {"kernel_size": fitting.num_taps, "stride": fitting.stride, "dilation": fitting.dilation}
    if not isinstance(fitting.padding, str):
        sizes["padding"] = fitting.padding
    return {key: size for key, size in sizes.items() if key in keys}
