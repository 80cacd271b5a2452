"""`Arch.build(seed=)`: the seed alone determines every random initial weight."""

import numpy as np
import pytest

import archnet
from archnet.network.build.builder import INITIALIZERS

C = {"type": "C", "num_output": 3, "kernel_size": [3, 3]}
FC = {"type": "FC", "num_output": 4}
STARTS = {  # the initialization that each activation selects
    "he_normal": [C | {"activation": "relu"}, FC | {"activation": "relu"}],
    "lecun_normal": [C | {"activation": "selu"}, FC | {"activation": "selu"}],
    "glorot_uniform": [C | {"activation": "tanh"}, C, FC],
    "a shortcut": [{"type": "RES", "layers": [C | {"num_output": 5}], "activation": "selu"}],
    "a repetition": [{"type": "REP", "times": 3, "layers": [C | {"activation": "selu"}]}],
}


def kernels(layers, seed):
    """All weights but biases, which start at 0."""
    arch = archnet.load_arch({"rank": 2, "layers": [*layers, {"type": "T"}]})
    return [weight for weight in arch.build((6, 6), seed=seed).get_weights() if weight.ndim > 1]


def test_each_way_to_start_is_tried():
    assert set(INITIALIZERS) <= set(STARTS)


@pytest.mark.parametrize("layers", STARTS.values(), ids=STARTS)
def test_every_starting_weight_follows_from_the_seed(layers):
    first, again, other = (kernels(layers, seed) for seed in (1, 1, 2))
    assert len(first) == len(again) == len(other) >= 2
    for one, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert not np.isin(one, different).any()
    for number, one in enumerate(first):
        assert not any(np.isin(one, later).any() for later in first[number + 1 :])


def test_dropout_follows_from_the_seed():
    arch = archnet.load_arch({"rank": 2, "layers": [{"type": "DO", "drop_out": 50}, {"type": "GAP"}, {"type": "T"}]})
    images = np.ones((4, 6, 6, 1), np.float32)
    told = {seed: np.asarray(arch.build((6, 6), seed=seed).layers[1](images, training=True)) for seed in (1, 2)}
    np.testing.assert_array_equal(told[1], np.asarray(arch.build((6, 6), seed=1).layers[1](images, training=True)))
    assert not np.array_equal(told[1], told[2])


def test_the_seed_is_0_unless_it_is_given():
    arch = archnet.load_arch({"rank": 2, "layers": [{"type": "T"}]})
    np.testing.assert_array_equal(arch.build((6, 6)).get_weights()[0], arch.build((6, 6), seed=0).get_weights()[0])
