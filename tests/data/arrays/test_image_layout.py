"""Channels and colours of image arrays."""

import numpy as np
import pytest

from archnet.data.arrays.image_layout import check_channel_axis, find_axis_order, squeeze_channel


@pytest.mark.parametrize(
    ("shape", "axes", "squeezed"),
    [
        ((2, 7, 8), "hwd", (2, 7, 8)),
        ((2, 7, 8, 9), "hwd", (2, 7, 8, 9)),
        ((2, 1, 7, 8), "hwd", (2, 7, 8)),
        ((2, 7, 8, 1), "hwd", (2, 7, 8)),
        ((2, 1, 7, 8), "zyx", (2, 7, 8)),
        ((2, 1, 7, 8, 9), "hwd", (2, 7, 8, 9)),
        ((2, 7, 8, 9, 1), "hwd", (2, 7, 8, 9)),
        ((2, 9, 7, 8, 1), "zyx", (2, 9, 7, 8)),
        # A channel axis says that three slices are no colours.
        ((2, 7, 8, 3, 1), "hwd", (2, 7, 8, 3)),
        ((2, 1, 7, 8, 4), "hwd", (2, 7, 8, 4)),
        ((2, 7, 8, 1, 1), "hwd", (2, 7, 8, 1)),
        # So does the order of the axes.
        ((2, 3, 7, 8), "zyx", (2, 3, 7, 8)),
        # Sides as short as the last axis are voxels.
        ((2, 3, 3, 3), "hwd", (2, 3, 3, 3)),
        ((2, 4, 4, 4), "hwd", (2, 4, 4, 4)),
        ((2, 8, 3, 3), "hwd", (2, 8, 3, 3)),
        ((2, 3, 3, 8), "hwd", (2, 3, 3, 8)),
        ((2, 7, 8, 2), "hwd", (2, 7, 8, 2)),
    ],
)
def test_one_channel_axis_is_squeezed_and_nothing_else(shape, axes, squeezed):
    x = np.arange(np.prod(shape)).reshape(shape)
    images, notes = squeeze_channel(x, axes)
    assert images.shape == squeezed
    np.testing.assert_array_equal(images.ravel(), x.ravel())
    assert len(notes) == (len(squeezed) < len(shape))


GREY_LAST = "x=x[..., :3].mean(axis=-1).astype(x.dtype)"
LAST = "the channels last, x=numpy.moveaxis(x, 1, -1)"
GREY_FIRST = "x=x[:, :3].mean(axis=1).astype(x.dtype)"
TO_GREY = {
    GREY_LAST: lambda x: x[..., :3].mean(axis=-1).astype(x.dtype),
    GREY_FIRST: lambda x: x[:, :3].mean(axis=1).astype(x.dtype),
}


@pytest.mark.parametrize(
    ("shape", "axes", "keep", "remedy"),
    [
        (
            (2, 7, 8, 3),
            "hwd",
            "set data.channels=3",
            f"{GREY_LAST}. Volumes of 3 slices need a channel axis: x=x[..., None]",
        ),
        (
            (2, 7, 8, 4),
            "hwd",
            "set data.channels=4",
            f"{GREY_LAST}. Volumes of 4 slices need a channel axis: x=x[..., None]",
        ),
        (
            (2, 7, 8, 4),
            "zyx",
            "set data.channels=4",
            f"{GREY_LAST}. Volumes of 4 slices need a channel axis: x=x[..., None]",
        ),
        (
            (2, 3, 7, 8),
            "hwd",
            f"set data.channels=3 with {LAST}",
            f"{GREY_FIRST}. Volumes of 3 slices, (N, z, y, x), need data.axes=zyx",
        ),
        ((2, 7, 8, 9, 3), "hwd", "set data.channels=3", GREY_LAST),
        ((2, 4, 7, 8, 9), "zyx", f"set data.channels=4 with {LAST}", GREY_FIRST),
    ],
)
def test_colour_images_are_refused_with_the_key_that_keeps_them_and_the_line_that_makes_them_grey(
    shape, axes, keep, remedy
):
    x = np.zeros(shape, np.uint8)
    with pytest.raises(ValueError, match="colour") as caught:
        squeeze_channel(x, axes)
    assert str(caught.value) == f"x is {shape}, colour images; {keep}, or convert them to grey: {remedy}"
    grey = TO_GREY[remedy.split(". ")[0]](x)
    assert squeeze_channel(grey, axes)[0].dtype == np.uint8


@pytest.mark.parametrize("shape", [(4,), (4, 4), (2, 0, 3), (2, 5, 6, 7, 8), (2, 1, 5, 6, 7, 8)])
def test_other_numbers_of_axes_are_refused(shape):
    with pytest.raises(ValueError, match="height") as caught:
        squeeze_channel(np.zeros(shape), "hwd")
    hint = "; if its last axis contains channels, set data.channels=8" if len(shape) == 5 else ""
    assert str(caught.value) == f"x must be (N, height, width) or (N, height, width, depth), got {shape}{hint}"


@pytest.mark.parametrize(
    ("shape", "axes", "is_found"),
    [
        ((10, 24, 24), "hwd", True),
        ((10, 24, 24), "zyx", False),
        ((24, 24, 10), "hwd", False),
        ((24, 24, 24), "hwd", False),
        ((10, 24, 20), "hwd", False),
        ((10, 24), "hwd", False),
    ],
)
def test_flat_volumes_that_look_stored_slice_by_slice_are_warned_about(shape, axes, is_found):
    found = find_axis_order(shape, axes)
    assert [finding.severity for finding in found] == ["warning"] * is_found
    if found:
        assert found[0].text == (
            "A case is read as height 10, width 24 and depth 24, but its side lengths suggest that it is stored as "
            "(z, y, x), 10 "
            "slices of 24x24. If so, set data.axes=zyx."
        )


@pytest.mark.parametrize("shape", [(2, 7, 8, 3), (2, 7, 8, 9, 3), (2, 3, 3, 3)])
def test_the_last_axis_may_hold_channels(shape):
    check_channel_axis(shape, 3)


@pytest.mark.parametrize(
    ("shape", "remedy"),
    [
        ((2, 3, 7, 8), "move the channels to the last axis: x=numpy.moveaxis(x, 1, -1)"),
        ((2, 3, 7, 8, 9), "move the channels to the last axis: x=numpy.moveaxis(x, 1, -1)"),
        (
            (2, 7, 8, 2),
            "set data.channels=2 if the last axis contains channels, or remove data.channels if it contains slices",
        ),
        ((2, 7, 8, 9, 2), "set data.channels=2 if the last axis contains channels"),
        ((2, 7, 8), "remove data.channels if x has no channel axis"),
        ((2, 7, 3), "remove data.channels if x has no channel axis"),
        ((2, 2, 8, 2), "remove data.channels if x has no channel axis"),
        ((5, 7, 8, 9, 2), "set data.channels=2 if the last axis contains channels"),
        ((2, 5, 6, 7, 8, 3), "remove data.channels if x has no channel axis"),
        ((2, 8, 4, 4), "remove data.channels if x has no channel axis"),
        ((2, 7, 8, 9), "remove data.channels if x has no channel axis"),
        ((2, 0, 8, 3), "remove data.channels if x has no channel axis"),
    ],
)
def test_other_numbers_of_channels_are_refused(shape, remedy):
    with pytest.raises(ValueError, match="channels") as caught:
        check_channel_axis(shape, 3)
    assert str(caught.value) == (
        f"data.channels is 3, so x must be (N, height, width, 3) or (N, height, width, depth, 3), got {shape}; {remedy}"
    )
