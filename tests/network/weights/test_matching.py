import re

import keras
import numpy as np
import pytest
from keras.src.applications.convnext import LayerScale

from archnet.files.strict_json import Document
from archnet.network.build.network import build
from archnet.network.scaling import build_inference_model
from archnet.network.weights.matching import match_layers, match_tensors, move_weights
from archnet.spec.arch import parse_arch
from archnet.spec.view.input_limits import InputLimits

layers = keras.layers


def model_of(tensor_of, shape=(8, 8, 4)):
    inputs = keras.Input(shape)
    return keras.Model(inputs, tensor_of(inputs), name="net")


def randomize(model, seed=0):
    generator = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(generator.uniform(0.1, 1, weight.shape).astype(np.float32))


def assert_moved(source, target):
    """After the move the target gives the source's output, and all that it learns has come from there."""
    randomize(source, 1)
    randomize(target, 2)
    pairs = match_layers(source, target)
    move_weights(pairs)
    images = np.random.default_rng(0).normal(size=(3, 8, 8, 4)).astype(np.float32)
    np.testing.assert_allclose(target(images), source(images), rtol=1e-4, atol=1e-5)
    assert sum(len(pair.target.variables) for pair in pairs) == len(target.weights)
    return pairs


def names(pairs):
    return [(pair.source.layer.name, pair.target.layer.name) for pair in pairs]


def bottleneck(tensor, shortcut_first):
    shortcut = layers.Conv2D(8, 1)(tensor)
    inner = layers.Conv2D(4, 3, padding="same")(layers.ReLU()(layers.Conv2D(4, 1)(tensor)))
    inner = layers.Conv2D(8, 1)(layers.Activation("relu")(inner))
    return layers.Add()([shortcut, inner] if shortcut_first else [inner, shortcut])


def test_a_sum_pairs_what_leads_to_its_inputs_in_whatever_order_they_are():
    source = model_of(lambda tensor: bottleneck(layers.Conv2D(4, 3)(tensor), True))
    target = model_of(lambda tensor: bottleneck(layers.Conv2D(4, 3)(tensor), False))
    assert_moved(source, target)


def test_the_order_of_the_layers_of_a_model_plays_no_part():
    def wide_first(tensor):
        first, second = layers.Conv2D(6, 1, name="b")(tensor), layers.Conv2D(6, 1, name="a")(tensor)
        return layers.Concatenate()([first, layers.ReLU()(layers.ReLU()(second))])

    def with_long_first_branch(tensor):
        second = layers.ReLU()(layers.Conv2D(6, 1, name="a")(tensor))
        first = layers.Dropout(0.1)(layers.Identity()(layers.Identity()(layers.Conv2D(6, 1, name="c")(tensor))))
        return layers.Concatenate()([first, second])

    source, target = model_of(wide_first), model_of(with_long_first_branch)
    order = [[layer.name for layer in model.layers if layer.weights] for model in (source, target)]
    assert order == [["a", "b"], ["c", "a"]]
    assert sorted(names(assert_moved(source, target))) == [("a", "a"), ("b", "c")]


def test_concatenations_of_concatenations_are_one():
    def nested(tensor):
        one, two, three = (layers.Conv2D(size, 1)(tensor) for size in (2, 2, 2))
        return layers.Conv2D(3, 1)(layers.Concatenate()([layers.Concatenate()([one, two]), three]))

    def flat(tensor):
        return layers.Conv2D(3, 1)(layers.Concatenate(axis=3)([layers.Conv2D(2, 1)(tensor) for _ in range(3)]))

    assert_moved(model_of(nested), model_of(flat))


def test_equal_branches_of_a_sum_pair_by_their_order():
    def equal_branches(tensor):
        return layers.Add()([layers.ReLU()(layers.Conv2D(5, 3)(tensor)) for _ in range(3)])

    pairs = assert_moved(model_of(equal_branches), model_of(equal_branches))
    assert len({source for source, _ in names(pairs)}) == 3


def test_branches_that_differ_only_between_their_weights_pair_by_what_they_do():
    def gate(tensor, is_sigmoid_first):
        kinds = ["sigmoid", "tanh"] if is_sigmoid_first else ["tanh", "sigmoid"]
        return layers.Multiply()([layers.Activation(kind)(layers.Conv2D(5, 3)(tensor)) for kind in kinds])

    assert_moved(model_of(lambda tensor: gate(tensor, True)), model_of(lambda tensor: gate(tensor, False)))


def half_open(first, second, first_name=None, second_name=None):
    def branches(tensor):
        one = layers.Conv2D(5, 3, name=first_name)(tensor)
        two = layers.Conv2D(5, 3, name=second_name)(tensor)
        return layers.Add()([layers.Activation(first)(one), layers.Activation(second)(two)])

    return model_of(branches)


def test_a_sum_to_which_two_assignments_fit_is_refused():
    source = half_open("relu", "tanh", "a", "b")
    target = half_open("elu", "gelu", "c", "d")
    text = (
        'the match is ambiguous: "a" and "b" of net have weights of the same shapes, and so have "c" and "d" of net. Give '
        "these layers the same names in both networks"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        match_layers(source, target)


def test_names_decide_where_two_assignments_fit():
    source, target = half_open("relu", "tanh", "a", "b"), half_open("elu", "gelu", "b", "a")
    assert sorted(names(match_layers(source, target))) == [("a", "a"), ("b", "b")]


def test_forms_of_one_map_pair_and_are_reshaped():
    def parts(tensor):
        tensor = layers.SeparableConv2D(6, 3, depth_multiplier=2)(tensor)
        tensor = layers.DepthwiseConv2D(3, depth_multiplier=3)(tensor)
        tensor = layers.BatchNormalization()(tensor)
        tensor = layers.EinsumDense("nhwc,c->nhwc", (4, 4, 18))(tensor)
        return layers.Dense(7)(tensor)

    def convolutions(tensor):
        tensor = layers.Conv2D(8, 3, groups=4, use_bias=False)(tensor)
        tensor = layers.Conv2D(6, 1)(tensor)
        tensor = layers.Conv2D(18, 3, groups=6)(tensor)
        tensor = layers.BatchNormalization()(tensor)
        tensor = LayerScale(1, 18)(tensor)
        return layers.Conv2D(7, 1)(tensor)

    assert_moved(model_of(parts), model_of(convolutions))
    assert_moved(model_of(convolutions), model_of(parts))


def test_submodels_are_opened_and_preprocessing_is_passed():
    normalization = layers.Normalization(mean=[0.0] * 4, variance=[1.0] * 4)

    def inner(tensor):
        return layers.Conv2D(2, 1)(layers.BatchNormalization()(tensor))

    def nested(tensor):
        block = model_of(inner)
        return layers.Softmax()(
            keras.Sequential([layers.Rescaling(1.0), layers.ReLU(max_value=9.0)])(block(normalization(tensor)))
        )

    source, target = model_of(nested), model_of(inner)
    assert [target for _, target in names(match_layers(source, target))] == [
        layer.name for layer in target.layers if layer.weights
    ]


def test_a_shared_layer_gives_its_weights_to_each_of_two():
    shared = layers.Conv2D(3, 3, name="shared")
    source = model_of(lambda tensor: layers.Concatenate()([shared(tensor), shared(layers.ReLU()(tensor))]))
    target = model_of(
        lambda tensor: layers.Concatenate()([layers.Conv2D(3, 3)(tensor), layers.Conv2D(3, 3)(layers.ReLU()(tensor))])
    )
    assert [source for source, _ in names(assert_moved(source, target))] == ["shared", "shared"]
    text = 'Conv2D "shared" (3 x 3 x 4 x 3) is used several times, and "{}" and "{}" of net match it'
    used = [layer.name for layer in target.layers if layer.weights]
    with pytest.raises(ValueError, match=re.escape(text.format(*used))):
        match_layers(target, source)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"filters": 6}, 'net has Conv2D "one" (3 x 3 x 4 x 5) where net has Conv2D "two" (3 x 3 x 4 x 6)'),
        (
            {"use_bias": False},
            'net has Conv2D "one" (3 x 3 x 4 x 5) where net has Conv2D "two" (3 x 3 x 4 x 5, no bias)',
        ),
    ],
)
def test_networks_that_differ_are_refused_with_the_place(change, text):
    one = model_of(lambda tensor: layers.Flatten()(layers.Conv2D(5, 3, name="one")(tensor)))
    two = model_of(
        lambda tensor: layers.Flatten()(layers.Conv2D(**{"filters": 5, "kernel_size": 3, **change}, name="two")(tensor))
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        match_layers(one, two)


def sum_of(*sizes):
    """A sum of convolutions with kernels of the given sizes, which are named by them and their number."""

    def branches(tensor):
        parts = [layers.Conv2D(3, size, padding="same", name=f"c{size}_{k}")(tensor) for k, size in enumerate(sizes)]
        return layers.Add(name="sum")(parts)

    return branches


@pytest.mark.parametrize(
    ("one", "two", "text"),
    [
        ((5, 6), (6, 7), 'net has Conv2D "c5_0" (5 x 5 x 4 x 3) where net has Conv2D "c7_1" (7 x 7 x 4 x 3)'),
        ((5, 6), (7, 5), 'net has Conv2D "c6_1" (6 x 6 x 4 x 3) where net has Conv2D "c7_0" (7 x 7 x 4 x 3)'),
        ((5, 6), (5, 6, 7), 'net has Add "sum" where net has Add "sum"'),
        ((5, 5, 6), (5, 6, 6), 'net has Add "sum" where net has Add "sum"'),
    ],
)
def test_sums_that_differ_are_refused_with_the_branch_that_no_other_is_equal_to(one, two, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        match_layers(model_of(sum_of(*one)), model_of(sum_of(*two)))


def test_networks_that_differ_in_their_inputs_are_refused_with_its_number():
    def model(is_swapped):
        inputs = [keras.Input((8, 8, 4)), keras.Input((8, 8, 4))]
        return keras.Model(inputs, layers.Concatenate()(inputs[::-1] if is_swapped else inputs), name="net")

    with pytest.raises(ValueError, match=r"^net has input 1 where net has input 2$"):
        match_layers(model(False), model(True))


def twice(first_name, second_name=None):
    """A network that concatenates two convolutions, or one of them twice."""

    def tensors(tensor):
        first = layers.Conv2D(3, 3, name=first_name)(tensor)
        return layers.Concatenate()([first, layers.Conv2D(3, 3, name=second_name)(tensor) if second_name else first])

    return model_of(tensors)


@pytest.mark.parametrize(("match", "verb"), [(match_layers, "both match"), (match_tensors, "match")])
def test_two_layers_that_match_one_are_refused(match, verb):
    sizes = "" if match is match_tensors else " (3 x 3 x 4 x 3)"
    pattern = rf'^Conv2D "[ab]".* and Conv2D "[ab]".* of net {verb} Conv2D "c" \(3 x 3 x 4 x 3\)'
    with pytest.raises(ValueError, match=pattern) as caught:
        match(twice("a", "b"), twice("c"))
    assert {name for name in "ab" if f'"{name}"{sizes}' in str(caught.value)} == {"a", "b"}
    assert match(twice("a"), twice("c"))


def test_the_inputs_of_a_sum_that_other_layers_have_paired_are_not_paired_again():
    def network(kinds, is_swapped):
        def tensors(tensor):
            parts = [layers.Activation(kind)(layers.Conv2D(5, 3, name=f"c_{kind}")(tensor)) for kind in kinds]
            return layers.Concatenate()([layers.Add()(parts[::-1] if is_swapped else parts), *parts])

        return model_of(tensors)

    source, target = network(["relu", "tanh"], False), network(["elu", "gelu"], True)
    assert sorted(names(match_layers(source, target))) == [("c_relu", "c_elu"), ("c_tanh", "c_gelu")]


def test_networks_of_other_outputs_are_refused():
    inputs = keras.Input((4,))
    one, two = (
        keras.Model(inputs, layers.Dense(2)(inputs), name="one"),
        keras.Model(inputs, [inputs, inputs], name="two"),
    )
    with pytest.raises(ValueError, match=r"^one has 1 outputs, two has 2$"):
        match_layers(one, two)


def test_a_model_that_is_not_a_graph_is_refused():
    class Own(keras.Model):
        pass

    with pytest.raises(ValueError, match=r"^the model own is not functional$"):
        match_layers(Own(name="own"), Own())


ARCH = [
    {"type": "C", "num_output": 4, "kernel_size": 3, "activation": "relu", "batch_norm": True},
    {"type": "RES", "layers": [{"type": "C", "num_output": 6, "kernel_size": [1, 1]}]},
    {"type": "GAP"},
    {"type": "T"},
]


def test_the_tensors_of_a_saved_model_pair_with_those_of_one_built_anew(tmp_path):
    arch = parse_arch(Document(value=ARCH, source="x.json"))
    model = build_inference_model(build(arch, (8, 8)), InputLimits.of(-1000, 400))
    model.save(tmp_path / "model.keras")
    saved = keras.saving.load_model(tmp_path / "model.keras")
    pairs = match_tensors(saved.get_layer(model.name), build(arch, (8, 8)))
    assert all(one.shape == two.shape for one, two in pairs)
    kinds = [type(two._keras_history.operation).__name__ for _, two in pairs]
    assert kinds[:4] == ["InputLayer", "Conv2D", "BatchNormalization", "Activation"]
    assert kinds == [type(one._keras_history.operation).__name__ for one, _ in pairs]
    assert len(kinds) == len(build(arch, (8, 8)).layers)


def test_tensors_of_networks_that_are_built_differently_do_not_pair():
    one = model_of(lambda tensor: layers.ReLU(name="a")(tensor))
    two = model_of(lambda tensor: layers.Softmax(name="b")(tensor))
    with pytest.raises(ValueError, match=r'^net has ReLU "a" where net has Softmax "b"$'):
        match_tensors(one, two)
