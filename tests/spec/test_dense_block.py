"""Dense blocks: what each repetition sees, and the message where its layers change the spatial shape."""

import pytest

from archnet.errors import DocumentError
from archnet.files.strict_json import Document
from archnet.network.build.network import build
from archnet.spec.arch import parse_arch

T = {"type": "T"}
CONVOLUTION = {"type": "C", "num_output": 3, "kernel_size": 3}


def arch_of(*layers):
    return parse_arch(Document(value={"rank": 2, "layers": [*layers, T]}, source="mine.json"))


def dense(times, *layers):
    return {"type": "DENSE", "times": times, "layers": list(layers)}


def test_each_repetition_sees_its_input_and_appends_to_it():
    rows = arch_of(dense(3, {**CONVOLUTION, "num_output": 5}, CONVOLUTION)).plan((8, 8))
    assert [(row.type, row.repeat, row.input_shape[-1], row.output_shape[-1]) for row in rows[:-1]] == [
        ("C", (0,), 1, 5),
        ("C", (0,), 5, 3),
        ("C", (1,), 4, 5),
        ("C", (1,), 5, 3),
        ("C", (2,), 7, 5),
        ("C", (2,), 5, 3),
        ("DENSE", (), 1, 10),
    ]
    assert rows[-2].num_activations == 8 * 8 * (4 + 7 + 10)


def test_the_input_comes_first_in_what_a_block_makes():
    import numpy as np

    images = np.random.default_rng(0).random((2, 4, 4, 2), np.float32)
    model = build(arch_of(dense(2, CONVOLUTION)), (4, 4, 2))
    concatenation = next(layer for layer in reversed(model.layers) if type(layer).__name__ == "Concatenate")
    features = type(model)(model.input, concatenation.output)(images)
    assert features.shape == (2, 4, 4, 8)
    np.testing.assert_array_equal(features[..., :2], images)


def test_layers_that_change_the_spatial_shape_are_refused():
    with pytest.raises(DocumentError) as caught:
        arch_of(CONVOLUTION, dense(2, {**CONVOLUTION, "stride": 2})).plan((8, 8))
    assert str(caught.value) == (
        "mine.json $.layers[1]: DENSE needs layers that keep the spatial shape, but they change 8x8 to 4x4. "
        'Use stride 1 and "same" padding inside.'
    )


def test_a_layer_that_a_later_repetition_does_not_fit_is_named():
    grouped = {**CONVOLUTION, "num_output": 4, "groups": 2}
    with pytest.raises(DocumentError) as caught:
        arch_of({**CONVOLUTION, "num_output": 2}, dense(2, grouped, {**CONVOLUTION, "num_output": 1})).plan((8, 8))
    assert str(caught.value) == (
        "mine.json $.layers[1].layers[0]: C 3 input channels and num_output 4 are not both divisible by groups 2. "
        "Set groups to a divisor of both."
    )


def test_blocks_that_double_the_channels_again_and_again_are_refused():
    doubled = dense(20, dense(20, {"type": "ACT", "activation": "relu"}))
    with pytest.raises(DocumentError) as caught:
        arch_of(doubled).plan((8, 8))
    assert str(caught.value) == (
        "mine.json $.layers[0].layers[0]: DENSE gives 1,048,576 channels; at most 1,000,000 are allowed. "
        "Add a C with fewer filters before it, or nest fewer concatenations."
    )


def test_a_block_that_makes_too_many_layers_is_named():
    with pytest.raises(DocumentError) as caught:
        arch_of({"type": "CAT", "branches": [[dense(1000, *[CONVOLUTION] * 4)], []]})
    assert str(caught.value) == (
        "mine.json $.layers[0].branches[0][0]: DENSE makes 4,001 of the 4,003 layers that the network would have; "
        'at most 3,000 are allowed. Lower its "times".'
    )
