"""InputLimits: the raw values that are mapped to 0 and 1 in each input channel of a network, and the scaling."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.spec.experiment import Data, Range


@dataclass(frozen=True, slots=True, kw_only=True)
class InputLimits:
    """The raw values that are mapped to 0 and 1 in each input channel of a network.

    Attributes:
        windows: The limits (low, high) of each channel of the data, for each window. The input contains all channels of
            the data in the first window, then all in the second, and so on.
    """

    windows: tuple[tuple[Range, ...], ...]

    @classmethod
    def of(cls, low: float, high: float) -> InputLimits:
        """The same limits for all channels, in one window."""
        return cls(windows=(((low, high),),))

    @property
    def num_windows(self) -> int:
        """Number of input channels of the network per channel of the data."""
        return len(self.windows)

    @property
    def num_data_channels(self) -> int:
        """Length of the channel axis of the data; 1 if they have none."""
        return len(self.windows[0])

    @property
    def channels(self) -> tuple[Range, ...]:
        """The limits of each input channel of the network; a single entry if they are the same for all."""
        return tuple(limits for window in self.windows for limits in window)

    @property
    def hulls(self) -> tuple[Range, ...]:
        """Lowest and highest limit of each channel of the data; a single entry if they are the same for all."""
        return tuple(map(_hull, zip(*self.windows, strict=True)))

    @property
    def hull(self) -> Range:
        """Lowest and highest of all limits."""
        return _hull(self.channels)

    def to_document(self) -> list[Any]:
        """One pair, or one pair for each input channel of the network, JSON-ready."""
        first, *others = self.channels
        return [list(limits) for limits in self.channels] if others else list(first)


def _hull(limits: Iterable[Range]) -> Range:
    lows, highs = zip(*limits, strict=True)
    return min(lows), max(highs)


def window_limits(data: Data) -> InputLimits:
    """The limits of data in Hounsfield units: their windows, the same for all channels."""
    return InputLimits(windows=tuple((window,) * data.channels for window in data.windows))


def scale_to_unit(values: NDArray[Any], limits: InputLimits) -> NDArray[np.float32]:
    """Map raw values linearly so that the limits become 0 and 1, and clip to [0, 1], as the saved model does.

    Args:
        values: Raw values (HU) of any shape and type; channels last if the limits have several channels of the data.
        limits: Raw values that are mapped to 0 and 1.

    Returns:
        The input of the network, channels last if there are several; else the shape of `values`.

    >>> scale_to_unit(np.array([-2000, -1000, -300, 400], np.int16), InputLimits.of(-1000, 400)).tolist()
    [0.0, 0.0, 0.5, 1.0]
    >>> scale_to_unit(np.array([-300, 240]), InputLimits(windows=(((-1000, 400),), ((-160, 240),)))).tolist()
    [[0.5, 0.0], [0.8857142925262451, 1.0]]
    """
    if limits.num_windows == 1:
        return _scale(values, limits.windows[0])
    channels = values if limits.num_data_channels > 1 else np.asarray(values)[..., np.newaxis]
    return np.concatenate([_scale(channels, window) for window in limits.windows], axis=-1)


def scale_picture(values: NDArray[Any], limits: InputLimits) -> NDArray[np.float32]:
    """The channel that pictures show: the first channel of the data, in the first window, scaled to [0, 1].

    Args:
        values: Raw values; channels last if the limits have several channels of the data.
        limits: Raw values that are mapped to 0 and 1.
    """
    return _scale(picture_channel(values, limits), limits.windows[0][:1])


def picture_text(limits: InputLimits) -> str:
    """The channel and window that pictures show, if the network has several; else an empty text.

    >>> picture_text(InputLimits(windows=(((-1350, 150), (0, 20)), ((-160, 240), (0, 20)))))
    'channel 0 of 2, window -1350 to 150'
    """
    (low, high), num_channels = limits.windows[0][0], limits.num_data_channels
    return ", ".join(
        [
            *([f"channel 0 of {num_channels}"] if num_channels > 1 else []),
            *([f"window {low:g} to {high:g}"] if limits.num_windows > 1 else []),
        ]
    )


def limits_text(limits: InputLimits) -> str:
    """The limits of each channel of a network's input, in words.

    >>> limits_text(InputLimits(windows=(((-1350, 150),), ((-160, 240),))))
    '-1350 to 150 and -160 to 240'
    """
    *others, last = [f"{low:g} to {high:g}" for low, high in limits.channels]
    return f"{', '.join(others)} and {last}" if others else last


def picture_channel(values: NDArray[Any], limits: InputLimits) -> NDArray[Any]:
    """The raw values of the first channel of the data."""
    return values[..., 0] if limits.num_data_channels > 1 else values


def _scale(values: NDArray[Any], window: tuple[Range, ...]) -> NDArray[np.float32]:
    low, high = np.array(window, np.float64).T
    shifted = np.asarray(values, np.float32) - low.astype(np.float32)
    scaled: NDArray[np.float32] = (shifted / (high - low).astype(np.float32)).clip(0, 1)
    return scaled


def scale_from_unit(scaled: NDArray[Any], limits: InputLimits) -> NDArray[np.float32]:
    """Map values in [0, 1] back to raw values: the inverse of the first window of `scale_to_unit` within its limits.

    >>> scale_from_unit(np.array([0, 0.5, 1], np.float32), InputLimits.of(-1000, 400)).tolist()
    [-1000.0, -300.0, 400.0]
    """
    low, high = np.array(limits.windows[0], np.float64).T
    shifts, widths = low.astype(np.float32), (high - low).astype(np.float32)
    values: NDArray[np.float32] = np.asarray(scaled, np.float32) * widths + shifts
    return values
