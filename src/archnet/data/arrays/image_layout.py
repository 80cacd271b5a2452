"""Layout of image arrays: the axes of cases, space and channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding

_COLOURS: Final = (3, 4)
"""Numbers of channels of a colour image: RGB and RGBA."""


def squeeze_channel(x: NDArray[Any], axes: str) -> tuple[NDArray[Any], list[Finding]]:
    """Remove a channel axis of length 1 from images.

    Args:
        x: (N, height, width[, depth]), with or without one channel, first or last.
        axes: Order of the spatial axes, "hwd" or "zyx".

    Returns:
        (N, *spatial axes), and a note if an axis was removed.

    Raises:
        ValueError: The images are in colour, or have an invalid number of axes.
    """
    refuse_colour(x.shape, axes)
    channel = _channel_axis(x.shape)
    if channel is None:
        if x.ndim not in (3, 4) or 0 in x.shape:
            hint = f"; if its last axis contains channels, set data.channels={x.shape[-1]}" if x.ndim == 5 else ""
            raise ValueError(f"x must be (N, height, width) or (N, height, width, depth), got {x.shape}{hint}")
        return x, []
    images = np.squeeze(x, channel)
    message = (
        f"x is {x.shape}: its axis of length 1 is read as a channel and removed, so a case is "
        f"{'x'.join(map(str, images.shape[1:]))}."
    )
    return images, [Finding(check="array_layout", severity="note", message=message)]


def check_channel_axis(shape: Sequence[int], num_channels: int) -> None:
    """Check that the last axis of images has the given number of channels.

    Raises:
        ValueError: The last axis has a different length.
    """
    is_known = len(shape) in (4, 5) and 0 not in shape
    if is_known and shape[-1] == num_channels:
        return
    if is_known and shape[1] == num_channels:
        remedy = "; move the channels to the last axis: x=numpy.moveaxis(x, 1, -1)"
    elif is_known and shape[-1] < min(shape[1:-1]):
        slices = ", or remove data.channels if it contains slices" if len(shape) == 4 else ""
        remedy = f"; set data.channels={shape[-1]} if the last axis contains channels{slices}"
    else:
        remedy = "; remove data.channels if x has no channel axis"
    raise ValueError(
        f"data.channels is {num_channels}, so x must be (N, height, width, {num_channels}) or (N, height, width, "
        f"depth, {num_channels}), got {tuple(shape)}{remedy}"
    )


def find_axis_order(shape: Sequence[int], axes: str) -> list[Finding]:
    """Warn if volumes are probably stored as (z, y, x): their last two axes are equal and longer than the first.

    Args:
        shape: Shape of one case.
        axes: Order of its axes, "hwd" or "zyx".
    """
    if axes != "hwd" or len(shape) != 3 or not shape[0] < shape[1] == shape[2]:
        return []
    height, width, depth = shape
    return [
        Finding(
            check="array_layout",
            severity="warning",
            message=f"A case is read as height {height}, width {width} and depth {depth}, but its side lengths "
            f"suggest that it is stored as (z, y, x), {height} slices of {width}x{depth}.",
            remedy="If so, set data.axes=zyx.",
        )
    ]


def _channel_axis(shape: Sequence[int]) -> int | None:
    """Find the axis of length 1 that is not spatial; None if there is none.

    >>> _channel_axis((8, 1, 28, 28)), _channel_axis((8, 28, 28, 1)), _channel_axis((8, 28, 28, 5))
    (1, 3, None)
    """
    if len(shape) not in (4, 5) or 0 in shape:
        return None
    return next((axis for axis in (1, len(shape) - 1) if shape[axis] == 1), None)


def refuse_colour(shape: Sequence[int], axes: str, key: str = "x") -> None:
    """Reject colour images; the message gives the key to keep their channels, and the code to convert them to grey.

    An axis of length 3 or 4 next to longer axes is interpreted as colours. Volumes with so few slices are accepted with
    a channel axis of their own, (N, height, width, 3, 1), or as (N, z, y, x) with `axes` "zyx".

    Raises:
        ValueError: The images are in colour.
    """
    num_last, num_first = (shape[-1], shape[1]) if len(shape) in (4, 5) else (0, 0)
    is_volume = len(shape) == 5
    if num_last in _COLOURS and num_last < min(shape[1:-1]):
        keep = f"set data.channels={num_last}"
        grey = f"{key}={key}[..., :3].mean(axis=-1).astype({key}.dtype)"
        volume = "" if is_volume else f". Volumes of {num_last} slices need a channel axis: {key}={key}[..., None]"
    elif num_first in _COLOURS and num_first < min(shape[2:]) and (is_volume or axes == "hwd"):
        keep = f"set data.channels={num_first} with the channels last, {key}=numpy.moveaxis({key}, 1, -1)"
        grey = f"{key}={key}[:, :3].mean(axis=1).astype({key}.dtype)"
        volume = "" if is_volume else f". Volumes of {num_first} slices, (N, z, y, x), need data.axes=zyx"
    else:
        return
    raise ValueError(f"{key} is {tuple(shape)}, colour images; {keep}, or convert them to grey: {grey}{volume}")
