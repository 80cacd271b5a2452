"""The view: the size of crops, and how raw values are scaled before a picture, a baseline and a network."""

import keras
import numpy as np
import pytest

from archnet.files.strict_json import Document
from archnet.network.scaling import build_scaling
from archnet.spec.resolve import parse_experiments
from archnet.spec.view import (
    InputLimits,
    describe_other_size,
    input_shape,
    network_input,
    picture_text,
    scale_from_unit,
    scale_picture,
    scale_to_unit,
)

ENDS = [(-1000.0, 400.0), (-1000, 400), (0.0, 255.0), (0.0, 1.0), (-1350.5, 150.25), (-1.0, 3071.0)]


@pytest.mark.parametrize("ends", ENDS, ids=str)
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
def test_numpy_scales_as_the_layers_of_the_saved_model_do(ends, dtype):
    limits, (low, high) = InputLimits.of(*ends), ends
    ends = (0, 255) if dtype is np.uint8 else (2 * low - high, 2 * high - low)
    values = np.random.default_rng(0).uniform(*ends, (3, 5, 4, 1)).astype(dtype)
    scaled = scale_to_unit(values, limits)
    assert scaled.dtype == np.float32
    expected = keras.ops.convert_to_numpy(build_scaling(limits, values.shape[1:])(values.astype(np.float32)))
    np.testing.assert_allclose(scaled, expected, rtol=0, atol=2e-6)
    assert 0 <= scaled.min() <= scaled.max() <= 1


@pytest.mark.parametrize("ends", ENDS, ids=str)
def test_values_in_0_to_1_become_raw_values_and_come_back(ends):
    limits = InputLimits.of(*ends)
    scaled = np.random.default_rng(0).random((4, 6), np.float32)
    scaled[0, :2] = 0, 1
    values = scale_from_unit(scaled, limits)
    assert values.dtype == np.float32
    assert values[0, :2].tolist() == list(map(float, ends))
    np.testing.assert_allclose(scale_to_unit(values, limits), scaled, rtol=0, atol=1e-6)


def experiments_of(*input_shapes, **data):
    archs = [
        {"name": f"net{number}", "rank": len(shape), "input_shape": shape, "layers": [{"type": "T"}]}
        for number, shape in enumerate(input_shapes)
    ]
    unsized = {"name": "unsized", "rank": 2, "layers": [{"type": "T"}]}
    return parse_experiments(Document(value={"archs": [*archs, unsized], "data": data}, source="mine.json"))


@pytest.mark.parametrize("value", [{}, {"crop_size": "auto"}, {"crop_size": None}], ids=str)
@pytest.mark.parametrize(
    ("name", "input_shapes", "size"),
    [
        ("luna16", [[48, 48, 16]], (48, 48, 16)),
        ("phantom", [[48, 40, 16], [48, 40]], (48, 40, 16)),
        ("luna16", [[50, 50]], (50, 50, 10)),
        ("luna16", [], (64, 64, 10)),
        ("luna16", [[48, 48, 16], [48, 48, 12]], (64, 64, 10)),
        ("luna16", [[48, 48, 16], [50, 50]], (64, 64, 10)),
        ("luna16", [[48, 40], [48, 48]], (64, 64, 10)),
        ("mosmed", [[96, 96, 32]], (96, 96, 32)),
        ("folder", [[64, 64]], (64, 64, 64)),
        ("folder", [[64, 64], [96, 96]], (128, 128, 64)),
    ],
)
def test_crops_have_the_size_that_all_architectures_were_designed_for_else_the_published_one(
    name, input_shapes, size, value
):
    experiments = experiments_of(*input_shapes, name=name, **value)
    assert {experiment.data.crop_size for experiment in experiments} == {size}
    document = experiments[-1].to_document()
    assert document["data"]["crop_size"] == list(size)
    assert parse_experiments(Document(value=document, source="resolved.json"))[0].data.crop_size == size


def test_a_size_that_is_given_or_follows_from_millimetres_counts():
    assert experiments_of([48, 48, 16], crop_size=[20, 22, 8])[0].data.crop_size == (20, 22, 8)
    physical = {"crop_size": "auto", "crop_size_mm": [50, 50, 30], "spacing_mm": [1, 1, 2]}
    assert experiments_of([48, 48, 16], **physical)[0].data.crop_size == (50, 50, 15)


def test_an_architecture_that_was_designed_for_another_crop_is_named():
    deep, flat, unsized = experiments_of([48, 48, 16], [64, 64])
    message = "net0 was designed for 48x48x16 voxels (input_shape), but data.crop_size gives it 64x64x10."
    remedy = (
        "Set data.crop_size=[48, 48, 16], or omit it and run only architectures with the same input_shape together."
    )
    assert describe_other_size(deep) == (message, remedy)
    assert describe_other_size(flat) is None
    assert describe_other_size(unsized) is None
    assert describe_other_size(experiments_of([48, 48, 16])[0]) is None
    assert describe_other_size(experiments_of([48, 48, 16], name="npz", root="x.npz")[0]) is None
    assert describe_other_size(experiments_of([50, 50], name="mosmed", crop_size=[128, 128, 64])[0]) == (
        "net0 was designed for 50x50 voxels (input_shape), but data.crop_size gives it 128x128.",
        "Set data.crop_size=[50, 50, 64], or omit it and run only architectures with the same input_shape together.",
    )


TWO_BY_TWO = InputLimits(windows=(((-1000, 400), (0, 20)), ((-160, 240), (0, 5))))


def test_limits_of_windows_and_channels_are_read_in_the_order_of_the_networks_channels():
    assert (TWO_BY_TWO.num_windows, TWO_BY_TWO.num_data_channels) == (2, 2)
    assert TWO_BY_TWO.channels == ((-1000, 400), (0, 20), (-160, 240), (0, 5))
    assert TWO_BY_TWO.hulls == ((-1000, 400), (0, 20))
    assert TWO_BY_TWO.hull == (-1000, 400)
    assert TWO_BY_TWO.to_document() == [[-1000, 400], [0, 20], [-160, 240], [0, 5]]
    assert InputLimits.of(-1000, 400).to_document() == [-1000, 400]


def test_pictures_show_the_first_channel_in_the_first_window():
    values = np.random.default_rng(0).uniform(-1000, 400, (3, 4, 2))
    expected = scale_to_unit(values[..., 0], InputLimits.of(-1000, 400))
    np.testing.assert_array_equal(scale_picture(values, TWO_BY_TWO), expected)
    np.testing.assert_array_equal(scale_to_unit(values, TWO_BY_TWO)[..., 0], expected)
    assert picture_text(TWO_BY_TWO) == "channel 0 of 2, window -1000 to 400"
    assert picture_text(InputLimits.of(0, 1)) == ""


def test_the_first_window_of_each_channel_comes_back():
    values = np.stack([np.linspace(-1000, 400, 5), np.linspace(0, 20, 5)], axis=-1).astype(np.float32)
    back = scale_from_unit(scale_to_unit(values, TWO_BY_TWO)[..., :2], TWO_BY_TWO)
    np.testing.assert_allclose(back, values, rtol=0, atol=1e-4)


def experiment_of(rank, **data):
    channels = 5 if data.get("view") == "slices-as-channels" else data.get("channels", 1)
    arch = {"name": "net", "rank": rank, "channels": channels, "layers": [{"type": "GAP"}, {"type": "T"}]}
    (experiment,) = parse_experiments(Document(value={"arch": arch, "data": data}, source="mine.json"))
    return experiment


VOLUMES = np.arange(2 * 4 * 3 * 5).reshape(2, 4, 3, 5)
SLICES = np.arange(2 * 4 * 3).reshape(2, 4, 3)
COLOURS = np.arange(2 * 4 * 3 * 2).reshape(2, 4, 3, 2)
COLOUR_VOLUMES = np.arange(2 * 4 * 3 * 5 * 2).reshape(2, 4, 3, 5, 2)
ARRAYS = {"name": "npz", "root": "a.npz"}


@pytest.mark.parametrize(
    ("rank", "data", "values", "expected"),
    [
        (3, {"name": "luna16"}, VOLUMES, VOLUMES[..., np.newaxis]),
        (2, {"name": "luna16"}, VOLUMES, VOLUMES[..., 2, np.newaxis]),
        (2, {"name": "luna16", "view": "slices-as-channels", "crop_size": [4, 3, 5]}, VOLUMES, VOLUMES),
        (2, ARRAYS, SLICES, SLICES[..., np.newaxis]),
        (2, {**ARRAYS, "channels": 2}, COLOURS, COLOURS),
        (3, {**ARRAYS, "channels": 2}, COLOUR_VOLUMES, COLOUR_VOLUMES),
        (2, {**ARRAYS, "channels": 2}, COLOUR_VOLUMES, COLOUR_VOLUMES[..., 2, :]),
    ],
)
def test_a_network_sees_the_volume_its_middle_slice_or_all_slices(rank, data, values, expected):
    experiment = experiment_of(rank, **data)
    seen = network_input(values, experiment)
    np.testing.assert_array_equal(seen, expected)
    assert np.shares_memory(seen, values)
    spatial = values.shape[1:-1] if "channels" in data else values.shape[1:]
    assert input_shape(experiment, spatial) == expected.shape[1:]
