"""Windows along a new depth axis."""

from hypothesis import given
from hypothesis import strategies as st

from archnet.spec.layers.base.added_depth import AxisWindow, fit_window
from archnet.spec.twins.layer_sizes import add_depth_entries

SIZES = st.integers(1, 7)
PADDINGS = st.one_of(st.sampled_from(["same", "valid"]), st.tuples(st.integers(0, 4), st.integers(0, 4)))


def positions(window, length):
    """By position, the index of each tap along an axis, by Keras's rules for padding."""
    extent = (window.num_taps - 1) * window.dilation + 1
    before, after = (0, 0) if isinstance(window.padding, str) else window.padding
    count = (length + before + after - extent) // window.stride + 1
    if window.padding == "same":
        count = (length + window.stride - 1) // window.stride
        before = max((count - 1) * window.stride + extent - length, 0) // 2
    return [
        [start * window.stride - before + tap * window.dilation for tap in range(window.num_taps)]
        for start in range(count)
    ]


def used_taps(window, length):
    indices = positions(window, length)
    return [any(0 <= row[tap] < length for row in indices) for tap in range(window.num_taps)]


@given(SIZES, SIZES, st.integers(1, 3), PADDINGS, st.integers(1, 12))
def test_every_tap_of_a_fitted_window_meets_a_value(num_taps, stride, dilation, padding, length):
    window = AxisWindow(num_taps=num_taps, stride=stride, dilation=dilation, padding=padding)
    fitted = fit_window(window, length)
    assert positions(fitted, length)
    assert all(used_taps(fitted, length))
    assert 1 <= fitted.num_taps <= min(num_taps, 2 * length - 1)
    assert fitted.stride <= stride


@given(SIZES, SIZES, st.integers(1, 3), PADDINGS, st.integers(2, 12))
def test_a_window_that_fits_with_all_its_taps_keeps_them(num_taps, stride, dilation, padding, length):
    window = AxisWindow(num_taps=num_taps, stride=stride, dilation=dilation, padding=padding)
    fits = bool(positions(window, length)) and num_taps <= 2 * length - 1 and all(used_taps(window, length))
    assert (fit_window(window, length).num_taps == num_taps) >= fits


@given(st.integers(1, 20), st.integers(1, 10))
def test_a_padded_kernel_with_stride_1_has_at_most_twice_the_depth_minus_one_taps(num_taps, length):
    assert fit_window(AxisWindow(num_taps=num_taps), length).num_taps == min(num_taps, 2 * length - 1)


@given(SIZES, SIZES, st.integers(1, 12))
def test_a_fitted_window_has_the_positions_of_the_full_one(num_taps, stride, length):
    window = AxisWindow(num_taps=num_taps, stride=stride)
    assert len(positions(fit_window(window, length), length)) == len(positions(window, length))


def test_a_window_has_at_most_twice_the_depth_minus_one_taps_for_any_zeros():
    assert fit_window(AxisWindow(num_taps=7, padding=(6, 6)), 2) == AxisWindow(num_taps=3, padding=(4, 4))
    assert fit_window(AxisWindow(num_taps=3, dilation=2, padding=(4, 4)), 2) == AxisWindow(
        num_taps=3, dilation=2, padding=(4, 4)
    )


def test_a_stride_that_skips_all_values_loses_the_zeros_before_them():
    blind = AxisWindow(num_taps=1, stride=3, padding=(1, 1))
    assert used_taps(blind, 2) == [False]
    assert fit_window(blind, 2) == AxisWindow(num_taps=1, stride=2, padding=(0, 0))


def test_taps_that_see_only_padding_are_removed_at_their_end():
    assert fit_window(AxisWindow(num_taps=3, stride=2), 2) == AxisWindow(num_taps=2, stride=2)
    assert fit_window(AxisWindow(num_taps=3, stride=2, padding=(1, 1)), 2) == AxisWindow(
        num_taps=2, stride=2, padding=(0, 1)
    )
    assert fit_window(AxisWindow(num_taps=3, stride=2, padding=(1, 1)), 1) == AxisWindow(num_taps=1, padding=(0, 0))
    assert fit_window(AxisWindow(num_taps=5, padding=(2, 2)), 2) == AxisWindow(num_taps=3, padding=(1, 1))
    assert fit_window(AxisWindow(num_taps=4, stride=4), 3) == AxisWindow(num_taps=3, stride=3)


def test_a_new_size_follows_the_key_before_it_in_the_order_of_the_layers_keys():
    layer = {"type": "C", "num_output": 4, "kernel_size": 3, "activation": "relu"}
    twin = add_depth_entries(layer, {"kernel_size": 3, "stride": 2})
    assert list(twin.items()) == [
        ("type", "C"), ("num_output", 4), ("kernel_size", 3), ("stride", [1, 1, 2]), ("activation", "relu"),
    ]  # fmt: skip
