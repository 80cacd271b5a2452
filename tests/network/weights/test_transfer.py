import keras
import numpy as np
import pytest

from archnet.files.strict_json import Document
from archnet.network.build.network import build
from archnet.network.scaling import build_inference_model
from archnet.network.weights.transfer import transfer_weights
from archnet.spec.arch import parse_arch
from archnet.spec.view import InputLimits


def convolution(size, kernel=3, rank=2, **keys):
    return {"type": "C", "num_output": size, "kernel_size": [kernel] * rank, **keys}


def block(size, rank=2):
    inner = [convolution(size, rank=rank, norm="batch", activation="relu"), convolution(size, rank=rank)]
    return {"type": "RES", "layers": inner}


def layers_of(rank=2, *, size=4, head=()):
    return [convolution(size, rank=rank), block(6, rank), {"type": "GAP"}, *head, {"type": "T"}]


def network(layers, shape=(8, 8), num_classes=2, seed=0):
    return build(parse_arch(Document(value=layers, source="x.json")), shape, num_classes, seed=seed)


def places(model, origins):
    """By layer of the architecture, what became of its weights."""
    names = model.layer_names
    found = {}
    for origin in origins:
        place = next(index for index, group in enumerate(names) if origin.layer in group)
        found.setdefault(place, []).append((origin.is_taken, origin.note))
    return found


def test_a_network_takes_all_weights_of_one_of_its_architecture():
    source, target = network(layers_of(), seed=1), network(layers_of())
    origins = transfer_weights(source, target)
    assert all(origin.is_taken for origin in origins)
    assert len(origins) == 6
    for one, two in zip(source.get_weights(), target.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
@pytest.mark.parametrize("rank", [2, 3])
def test_a_network_of_blocks_takes_all_weights_of_one_of_its_architecture(rank):
    group_norm = {"norm": "group", "groups": 2}
    inner = [convolution(4, rank=rank, groups=2, norm=group_norm), {"type": "ACT", "activation": "gelu"}]
    layers = [
        convolution(4, rank=rank),
        {"type": "POS"},
        {"type": "ATT", "heads": 2, "ratio": 2},
        {"type": "CAT", "branches": [inner, [convolution(2, 1, rank)], []]},
        {"type": "DENSE", "times": 2, "layers": [convolution(2, rank=rank)]},
        {"type": "SE", "ratio": 2},
        {"type": "CBAM", "ratio": 2, "kernel_size": 3},
        {"type": "RES", "layers": [convolution(5, rank=rank)], "layer_scale": 0.1, "norm": "layer"},
        {"type": "GAP"},
        {"type": "T"},
    ]
    shape = (4, 4, 4)[:rank]
    source, target = network(layers, shape, seed=1), network(layers, shape)
    assert [origin.note for origin in transfer_weights(source, target) if not origin.is_taken] == []
    for one, two in zip(source.get_weights(), target.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_saved_model_gives_its_network_s_weights():
    source, target = network(layers_of(), seed=1), network(layers_of())
    transfer_weights(build_inference_model(source, InputLimits.of(-1000, 400)), target)
    np.testing.assert_array_equal(source.get_weights()[0], target.get_weights()[0])


def test_another_number_of_classes_leaves_t_fresh_and_says_why():
    source, target = network(layers_of(), seed=1), network(layers_of(), num_classes=3)
    fresh, before = target.layers[-1].get_weights(), source.layers[-1].name
    found = places(target, transfer_weights(source, target))
    assert found[3] == [(False, f'the file has Dense "{before}" (6 x 2) here')]
    assert all(is_taken for place in (0, 1) for is_taken, _ in found[place])
    np.testing.assert_array_equal(target.layers[-1].get_weights()[0], fresh[0])


def test_what_follows_a_fresh_layer_is_fresh():
    source, target = network(layers_of(), seed=1), network(layers_of(size=5))
    found = places(target, transfer_weights(source, target))
    first = source.layers[1].name
    assert found[0] == [(False, f'the file has Conv2D "{first}" (3 x 3 x 1 x 4) here')]
    assert {note for place in (1, 3) for _, note in found[place]} == {"the layers before it do not match the file"}


def test_a_deeper_network_takes_what_comes_before_the_difference():
    source, target = network(layers_of(), seed=1), network(layers_of(head=[{"type": "FC", "num_output": 5}]))
    found = places(target, transfer_weights(source, target))
    assert [[is_taken for is_taken, _ in found[place]] for place in found] == [[True], [True] * 4, [False], [False]]


def test_a_network_that_ends_earlier_says_so():
    source, target = (
        network([convolution(4), {"type": "T"}], seed=1),
        network([convolution(4), block(4), {"type": "T"}]),
    )
    source = keras.Model(source.input, source.layers[1].output)
    found = places(target, transfer_weights(source, target))
    assert found[1][0] == (False, "the file's network ends here")


@pytest.mark.parametrize("inflate", ["mean", "centre"])
def test_2d_weights_are_inflated_layer_by_layer(inflate):
    source, target = network(layers_of(), seed=1), network(layers_of(3), (8, 8, 8))
    found = places(target, transfer_weights(source, target, inflate))
    name = source.layers[1].name
    change = {"mean": "repeated over 3 slices and divided by 3", "centre": "on the central one of 3 slices"}[inflate]
    assert found[0] == [(True, f'Conv2D "{name}" (3 x 3 x 1 x 4), {change}')]
    assert all(is_taken for rows in found.values() for is_taken, _ in rows)
    kernel, flat = target.layers[1].get_weights()[0], source.layers[1].get_weights()[0]
    np.testing.assert_allclose(kernel.sum(axis=2), flat, rtol=1e-5)
    np.testing.assert_allclose(kernel[:, :, 1], flat / (3 if inflate == "mean" else 1), rtol=1e-5)


def test_an_inflated_network_gives_the_2d_features_of_a_volume_constant_along_depth():
    layers = [[convolution(4, rank=rank, padding="valid", norm="batch", activation="relu"), block(4, rank), {"type": "T"}]
              for rank in (2, 3)]  # fmt: skip
    source, target = network(layers[0], (10, 10), seed=1), network(layers[1], (10, 10, 13))
    for weight in source.weights:
        weight.assign(weight + 0.1)
    transfer_weights(source, target)
    images = np.random.default_rng(0).normal(size=(1, 10, 10, 1)).astype(np.float32)
    ends = [
        next(layer for layer in model.layers if isinstance(layer, keras.layers.Add)).output
        for model in (source, target)
    ]
    flat, full = (keras.Model(model.input, end) for model, end in zip((source, target), ends, strict=True))
    volume = np.repeat(images[:, :, :, np.newaxis], 13, axis=3)
    np.testing.assert_allclose(np.asarray(full(volume))[:, :, :, 5], np.asarray(flat(images)), rtol=1e-3, atol=1e-4)


def test_3d_weights_do_not_fit_a_2d_network():
    source, target = network(layers_of(3), (8, 8, 8), seed=1), network(layers_of())
    found = places(target, transfer_weights(source, target))
    assert found[0] == [(False, f'the file has Conv3D "{source.layers[1].name}" (3 x 3 x 3 x 1 x 4) here')]


def test_an_rgb_kernel_is_summed_over_the_channels():
    source, target = network(layers_of(), (8, 8, 3), seed=1), network(layers_of())
    found = places(target, transfer_weights(source, target))
    assert found[0] == [(True, f'Conv2D "{source.layers[1].name}" (3 x 3 x 3 x 4), summed over 3 channels')]
    expected = source.layers[1].get_weights()[0].sum(axis=2, keepdims=True)
    np.testing.assert_allclose(target.layers[1].get_weights()[0], expected, rtol=1e-5)


def test_equivalent_branches_pair_by_their_order():
    def branches(size):
        inputs = keras.Input((8, 8, 1))
        ends = [keras.layers.Conv2D(4, 3)(inputs) for _ in range(2)]
        return keras.Model(inputs, [keras.layers.Conv2D(size, 1)(end) for end in ends])

    source, target = branches(3), branches(5)
    origins = transfer_weights(source, target)
    assert sorted(origin.is_taken for origin in origins) == [False, False, True, True]
    for one, two in zip(source.layers[1:3], target.layers[1:3], strict=True):
        np.testing.assert_array_equal(one.get_weights()[0], two.get_weights()[0])


def test_one_layer_of_a_file_that_fits_two_is_not_taken():
    def model(num_branches):
        inputs = keras.Input((8, 8, 1))
        return keras.Model(inputs, [keras.layers.Conv2D(4, 3, name=f"c{n}")(inputs) for n in range(num_branches)])

    origins = transfer_weights(model(1), model(2))
    assert {(origin.is_taken, origin.note) for origin in origins} == {
        (False, 'the match is ambiguous (1 in the file, 2 here): Conv2D "c0" (3 x 3 x 1 x 4)')
    }
