"""The channels of a network's input: those of the data times the windows, as many as the architecture has."""

import pytest

from archnet.errors import DocumentError
from archnet.files.strict_json import Document
from archnet.spec.experiment import Data
from archnet.spec.resolve import data_experiments, parse_experiments

WINDOWS = [[-1350, 150], [-160, 240], [-450, 1050]]
FLAT = {"name": "flat", "layers": [{"type": "C", "num_output": 4, "kernel_size": [3, 3]}, {"type": "T"}]}
DEEP = {"name": "deep", "layers": [{"type": "C", "num_output": 4, "kernel_size": [3, 3, 3]}, {"type": "T"}]}
ARRAYS = {"name": "npz", "root": "/a.npz"}


def experiment_of(arch, data):
    return parse_experiments(Document(value={"archs": [arch], "data": data}, source="mine.json"))[0]


@pytest.mark.parametrize("arch", [FLAT, DEEP], ids=["2D", "3D"])
@pytest.mark.parametrize(
    ("data", "num_channels"),
    [
        ({}, 1),
        ({"window_hu": [-1350, 150]}, 1),
        ({"window_hu": WINDOWS[:1]}, 1),
        ({"window_hu": WINDOWS}, 3),
        (ARRAYS | {"channels": 2}, 2),
        (ARRAYS | {"channels": 2, "window_hu": WINDOWS}, 6),
        (ARRAYS | {"channels": 2, "range": "hu", "window_hu": WINDOWS}, 6),
        (ARRAYS | {"channels": 2, "range": [0, 255]}, 2),
        (ARRAYS | {"channels": 2, "range": [[-1000, 400], [0, 20]]}, 2),
    ],
)
def test_an_architecture_needs_the_channels_of_the_data_times_the_windows(arch, data, num_channels):
    experiment = experiment_of({**arch, "channels": num_channels}, data)
    assert experiment.data.num_input_channels == experiment.arch.channels == num_channels
    assert parse_experiments(Document(value=experiment.to_document(), source="resolved")) == (experiment,)
    with pytest.raises(DocumentError, match="but the architecture has channels 7"):
        experiment_of({**arch, "channels": 7}, data)


@pytest.mark.parametrize(
    ("arch", "data", "message"),
    [
        (
            FLAT,
            {"window_hu": WINDOWS[:2]},
            'the data have 2 channels (2 windows), but the architecture has channels 1. Set "channels": 2 in the '
            "architecture, or use one window.",
        ),
        (
            DEEP,
            ARRAYS | {"channels": 2},
            'the data have 2 channels (data.channels 2), but the architecture has channels 1. Set "channels": 2 in the '
            "architecture, or use one channel.",
        ),
        (
            DEEP,
            ARRAYS | {"channels": 2, "window_hu": WINDOWS},
            "the data have 6 channels (data.channels 2 x 3 windows), but the architecture has channels 1. Set "
            '"channels": 6 in the architecture, or use one window and one channel.',
        ),
        (
            FLAT | {"channels": 3},
            {},
            'the data have 1 channel, but the architecture has channels 3. Set "channels": 1 in the architecture, or '
            "list as many windows in data.window_hu.",
        ),
        (
            FLAT | {"channels": 3},
            ARRAYS,
            'the data have 1 channel, but the architecture has channels 3. Set "channels": 1 in the architecture, or '
            "list as many windows in data.window_hu or set data.channels=3.",
        ),
        (
            FLAT | {"channels": 3},
            {"window_hu": WINDOWS[:2], "view": "slices-as-channels"},
            'data.view "slices-as-channels" uses the slices as channels, but the data have 2 channels (2 windows). '
            'Set data.view to "slice", or use one window.',
        ),
    ],
)
def test_other_numbers_of_channels_are_refused(arch, data, message):
    with pytest.raises(DocumentError) as caught:
        experiment_of(arch, data)
    assert str(caught.value) == f"mine.json $.archs[0]: {message}"


def test_slices_as_channels_need_no_channels_in_the_architecture():
    assert experiment_of(FLAT, {"view": "slices-as-channels"}).data.view == "slices-as-channels"


def test_one_window_in_a_list_is_one_window():
    assert experiment_of(FLAT, {"window_hu": [[-1350, 150]]}) == experiment_of(FLAT, {"window_hu": [-1350, 150]})


def test_the_range_of_windows_covers_all_of_them():
    data = experiment_of(FLAT | {"channels": 3}, {"window_hu": WINDOWS}).data
    assert data.window_range == (-1350, 1050)
    assert data.windows == tuple(map(tuple, WINDOWS))
    assert Data().windows == (Data().window_range,) == ((-1000, 400),)


def test_data_are_looked_at_with_a_network_of_their_own_channels():
    (experiment,) = data_experiments(ARRAYS | {"channels": 2, "window_hu": WINDOWS})
    assert experiment.arch.channels == 6
