"""Every layer type keeps the same contract: what it says of itself is what Keras does, whatever its document says."""

import contextlib
import dataclasses
import inspect
from dataclasses import fields
from math import prod
from typing import get_args

import keras
import numpy as np
import pytest

from archnet.errors import DocumentError
from archnet.network.backend import backend_module
from archnet.network.build.builder import NORM_RULES
from archnet.network.build.network import RULES, build
from archnet.network.explain import feature_tensors
from archnet.network.model_file import check_model_file
from archnet.network.training.dropout import CaseKeys
from archnet.network.training.losses import penalized_weights
from archnet.network.training.training_twin import build_training_twin, planes_in_batch
from archnet.spec.layers import (
    ACTIVATIONS,
    LAYERS,
    ActivationName,
    Layer,
    inner_rank,
    layer_document,
    parse_layer,
    walk,
)
from archnet.spec.layers.base.norm import NORMS, Norm, NormName
from archnet.spec.layers.base.shapes import input_grid
from layer_documents import (
    BRANCHES,
    DEFINITIONS,
    FEW_EXAMPLES,
    MOST_EXAMPLES,
    arch_of,
    drawn_cases,
    hold,
    keras_form,
    set_positive_weights,
)
from long_tests import long_except

FC = {"type": "FC", "num_output": 5}
MAX_POOLINGS = (keras.layers.MaxPooling2D, keras.layers.MaxPooling3D)

every_type = pytest.mark.parametrize("name", LAYERS)
examples = pytest.mark.parametrize("num_examples", long_except({FEW_EXAMPLES}, [FEW_EXAMPLES, MOST_EXAMPLES]))
few_examples = pytest.mark.parametrize("num_examples", long_except({3}, [3, 12]))


@pytest.fixture(scope="module", autouse=True)
def _forget_networks():
    """The networks of all cases take some hundred megabytes."""
    yield
    drawn_cases.cache_clear()


def images_for(case, num_cases=3):
    return np.random.default_rng(1).uniform(0.2, 1, (num_cases, *case.input_shape)).astype(np.float32)


def total(case, cost):
    """The sum of a cost, such as "num_macs", over a layer and the layers inside it."""
    return sum(getattr(row, cost) for row in case.rows)


def size(tensor):
    return prod(tensor.shape[1:])


def is_scale(layer):
    """Whether a Keras layer is a weight for each channel, or for each voxel and channel."""
    return isinstance(layer, keras.layers.EinsumDense)


def case_sizes(model):
    """The values of a case in each tensor of a model, by its id; planes that are folded into the batch all count."""
    planes = planes_in_batch(model)
    return {id(tensor): size(tensor) * planes[id(tensor)] for tensor in (each.output for each in model.operations)}


def is_view(operation):
    """Whether an operation of Keras only selects values or changes their shape."""
    if not isinstance(operation, keras.layers.Layer):
        return type(operation).__name__ in ("GetItem", "Reshape", "Transpose")
    is_selection = isinstance(operation, MAX_POOLINGS) and set(operation.pool_size) == {1}
    return is_selection or isinstance(operation, keras.layers.Flatten | keras.layers.InputLayer)


@every_type
def test_every_type_answers_every_question(name):
    assert not inspect.isabstract(LAYERS[name])
    assert LAYERS[name].traits.drawn_as
    assert BRANCHES[name]["properties"]["type"]["const"] == name


def test_every_layer_class_is_a_type_of_the_schema_with_a_rule():
    def concrete(kind):
        inner = {found for child in kind.__subclasses__() for found in concrete(child)}
        return inner if inspect.isabstract(kind) else inner | {kind.__name__}  # by name: slots make a class twice

    assert concrete(Layer) == {kind.__name__ for kind in LAYERS.values()}
    assert set(RULES) == set(LAYERS.values())
    assert list(BRANCHES) == list(LAYERS)


def test_every_activation_of_the_schema_is_in_the_table():
    assert list(ACTIVATIONS) == list(get_args(ActivationName))
    assert DEFINITIONS["activation"]["enum"] == [None, *ACTIVATIONS]
    enums = [
        entry["enum"] for branch in BRANCHES.values() for entry in branch["properties"].values() if "enum" in entry
    ]
    assert not [enum for enum in enums if "relu" in enum]


def test_a_repetition_costs_nothing_of_its_own_and_t_keeps_its_output():
    repetition = parse_layer({"type": "REP", "times": 3, "layers": [{"type": "BN"}]}, 2)
    costs = ("num_activations", "num_stored_values", "num_transient_values", "num_pending_gradients")
    assert [getattr(repetition, cost)((8, 8, 4)) for cost in costs] == [0, 0, 0, 0]
    assert repetition.is_output_stored
    assert parse_layer({"type": "T"}, 2).is_output_stored


TRAITS = {
    "C": ("needs_spatial_axes", "new", "features"),
    "P": ("needs_spatial_axes", "none", "pooling"),
    "FC": ("flattens", "none", "dense"),
    "T": ("flattens is_terminal", "none", "classes"),
    "DO": ("", "none", "other"),
    "NORM": ("", "same", "other"),
    "BN": ("", "same", "other"),
    "ACT": ("", "same", "other"),
    "GAP": ("needs_spatial_axes flattens", "none", "pooling"),
    "GMP": ("needs_spatial_axes flattens", "none", "pooling"),
    "SE": ("needs_spatial_axes", "same", "features"),
    "CBAM": ("needs_spatial_axes", "same", "features"),
    "CAT": ("", "new", "other"),
    "ADD": ("", "new", "other"),
    "DENSE": ("needs_spatial_axes holds_maps_only repeats", "new", "features"),
    "RES": ("needs_spatial_axes holds_maps_only", "new", "features"),
    "REP": ("repeats", "none", "other"),
    "CROP": ("needs_spatial_axes", "none", "other"),
    "VIEWS": ("needs_spatial_axes flattens repeats", "none", "features"),
    "POS": ("needs_spatial_axes", "none", "other"),
    "ATT": ("needs_spatial_axes", "new", "features"),
}
"""What is true of each type, the meaning of its output and its family in drawings."""


def test_the_traits_of_all_types():
    words = ("needs_spatial_axes", "flattens", "is_terminal", "holds_maps_only", "repeats")
    traits = {name: kind.traits for name, kind in LAYERS.items()}
    assert {
        name: (" ".join(word for word in words if getattr(each, word)), each.feature_map, each.drawn_as)
        for name, each in traits.items()
    } == TRAITS
    assert [name for name, each in traits.items() if not each.has_row] == ["REP"]
    assert {name: each.rows_remedy for name, each in traits.items() if each.repeats} == {
        "DENSE": 'Lower its "times".',
        "REP": 'Lower its "times".',
        "VIEWS": 'Set its "shared" to true.',
    }


def test_the_kinds_of_normalization():
    assert {name: dataclasses.astuple(kind) for name, kind in NORMS.items()} == {
        "batch": (1e-3, 2, 1, False),
        "group": (1e-3, 0, 1, True),
        "instance": (1e-3, 0, 1, True),
        "layer": (1e-6, 0, 2, False),
    }
    assert Norm(norm="layer").variance_epsilon == 1e-6
    assert Norm(norm="layer", epsilon=0.5).variance_epsilon == 0.5


@pytest.mark.parametrize(
    ("norm", "shape", "message"),
    [
        ("batch", (4,), None),
        ("batch", (1, 1, 1), None),
        ("layer", (2,), None),
        ("layer", (1,), "normalizes each value by itself"),
        ("layer", (8, 8, 1), "normalizes each value by itself"),
        ("instance", (4,), "is flat"),
        ("instance", (1, 1, 4), "normalizes each value by itself"),
        ("instance", (1, 2, 1), None),
        ("group", (4,), "is flat"),
        ("group", (2, 2, 6), "6 channels are not divisible into 4 groups"),
        ("group", (1, 1, 4), "normalizes each value by itself"),
        ("group", (1, 1, 8), None),
        ("group", (1, 2, 4), None),
        ("group", (2, 2, 4), None),
    ],
)
def test_a_norm_needs_more_than_one_value(norm, shape, message):
    check = Norm(norm=norm, groups=4).check
    if message is None:
        check(shape)
    else:
        with pytest.raises(ValueError, match=message):
            check(shape)


def test_every_norm_of_the_schema_is_in_the_table():
    assert list(NORMS) == list(get_args(NormName)) == list(NORM_RULES)
    assert DEFINITIONS["norm"]["properties"]["norm"]["enum"] == list(NORMS)
    assert DEFINITIONS["norm"]["pattern"] == f"^({'|'.join(NORMS)})$(?!\\n)"


@every_type
def test_a_percentage_of_the_schema_is_one_of_the_layer(name):
    percentages = [key for key, entry in BRANCHES[name]["properties"].items() if entry.get("exclusiveMaximum") == 100]
    assert [item.name for item in fields(LAYERS[name]) if item.metadata.get("percentage")] == percentages


@every_type
@examples
def test_a_layer_written_out_reads_back_the_same(name, num_examples):
    def check(case):
        layer = case.arch.layers[0]
        assert parse_layer(layer_document(layer), case.arch.rank) == layer
        assert layer.summary().strip() == layer.summary() != ""
        assert layer.num_rows() == len(case.rows)
        paths = {path for path, inner in walk(case.arch.layers[:1], ("layers",)) if inner.traits.has_row}
        assert {row.path for row in case.rows} == paths

    hold(check, name, num_examples)


def num_product_macs(operation):
    """Multiply-adds of a product of two tensors of a case."""
    if operation.__class__.__name__ != "Matmul":
        return 0
    return size(operation.output) * operation.input[0].shape[-1]


@pytest.mark.slow
@every_type
@examples
def test_shapes_parameters_and_multiply_adds_are_those_of_keras(name, num_examples):
    def check(case):
        model = case.keras_model
        planes = planes_in_batch(model)
        assert case.output_shape == model.output_shape[1:]
        assert total(case, "num_parameters") == model.count_params()
        num_kernel_macs = sum(
            prod(weight.shape) * prod(layer.output.shape[1:-1]) * planes[id(layer.output)]
            for layer in model.layers
            for weight in layer.weights
            if weight.name.endswith("kernel") and not is_scale(layer)
        )
        assert total(case, "num_macs") == num_kernel_macs + sum(map(num_product_macs, model.operations))

    hold(check, name, num_examples)


@every_type
@examples
def test_activations_are_the_outputs_of_kerass_operations_without_activations_and_views(name, num_examples):
    def check(case):
        operations = [
            operation
            for operation in case.keras_model.operations[1:]
            if not isinstance(operation, keras.layers.Activation | keras.layers.Flatten)
        ]
        sizes = case_sizes(case.keras_model)
        num_values = sum(sizes[id(operation.output)] for operation in operations)
        num_selected = sum(sizes[id(operation.output)] for operation in operations if is_view(operation))
        assert num_values - num_selected <= total(case, "num_activations") <= num_values

    hold(check, name, num_examples)


@every_type
@examples
def test_l2_reaches_the_kernels_and_biases_that_a_layer_declares(name, num_examples):
    def check(case):
        model = case.keras_model
        weights = penalized_weights(model)
        assert sum(prod(weight.shape) for weight in weights) == total(case, "num_penalized_parameters")
        names = {
            id(weight): "scale" if is_scale(layer) else weight.name
            for layer in model.layers
            for weight in layer.trainable_weights
        }
        concerned = {id(weight) for weight in weights}
        assert all((id_ in concerned) == name.endswith(("kernel", "bias")) for id_, name in names.items())

    hold(check, name, num_examples)


def mask_size(layer):
    """Random draws of a dropout layer for each case."""
    lengths = zip(layer.noise_shape or layer.output.shape, layer.output.shape, strict=True)
    return prod(length if free is None else free for free, length in list(lengths)[1:])


def num_needed_values(model):
    """Values that the gradients of a network need at least, besides its input: those that no formula can do without."""
    needed, num_masks, sizes = {}, 0, case_sizes(model)

    def need(tensor):
        producer = tensor._keras_history.operation
        while is_view(producer) and not isinstance(producer, keras.layers.InputLayer):
            tensor = producer.input
            producer = tensor._keras_history.operation
        if not isinstance(producer, keras.layers.InputLayer):
            needed[id(tensor)] = sizes[id(tensor)]

    for layer in model.layers[1:]:
        is_activation = isinstance(layer, keras.layers.Activation)
        is_pooling = isinstance(layer, MAX_POOLINGS) and not is_view(layer)
        is_dropout = isinstance(layer, keras.layers.Dropout)
        needs_input = is_activation and ACTIVATIONS[layer.activation.__name__].num_stored > 0
        if layer.weights or is_pooling or needs_input:
            need(layer.input)
        if is_activation or is_pooling or is_dropout:
            need(layer.output)
        num_masks += mask_size(layer) * (sizes[id(layer.output)] // size(layer.output)) if is_dropout else 0
    return sum(needed.values()) + num_masks


@every_type
@examples
def test_stored_values_hold_all_that_gradients_need(name, num_examples):
    def check(case):
        assert total(case, "num_stored_values") >= num_needed_values(case.keras_model)
        assert all(row.layer.num_transient_values(row.input_shape) >= prod(row.input_shape) for row in case.rows)

    hold(check, name, num_examples)


@every_type
@examples
def test_a_larger_input_costs_no_less(name, num_examples):
    costs = ["num_macs", "num_activations", "num_stored_values", "num_transient_values", "num_pending_gradients"]

    def check(case):
        for row in case.rows:
            larger = (*(2 * length for length in row.input_shape[:-1]), row.input_shape[-1])
            try:
                row.layer.output_shape(larger)
            except ValueError:
                continue
            for cost in map(row.layer.__getattribute__, costs):
                assert cost(larger) >= cost(row.input_shape)

    hold(check, name, num_examples)


@pytest.mark.slow
@every_type
@few_examples
def test_a_saved_network_and_its_feature_map_are_the_same(name, num_examples, tmp_path):
    def check(case):
        network, images = build(case.arch, case.input_shape, case.num_classes), images_for(case)
        network.save(tmp_path / "network.keras")
        check_model_file(tmp_path / "network.keras")
        loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
        np.testing.assert_array_equal(loaded(images), network(images))
        if found := case.arch.feature_map(case.input_shape):
            first, second = (keras.Model(model.input, feature_tensors(model, case.arch)) for model in (network, loaded))
            assert found.planes or [each.shape[1:] for each in first.outputs] == [found.shape]
            for one, other in zip(first(images), second(images), strict=True):
                np.testing.assert_array_equal(one, other)

    hold(check, name, num_examples)


def meets_no_voxel(row):
    """Whether all taps of a dilated kernel fall beside a short axis, so that a convolution gives its bias alone."""
    window, kernel = getattr(row.layer, "window", None), getattr(row.layer, "dilation", None)
    if window is None or kernel is None or window.padding != "same":
        return False
    axes = zip(row.layer.kernel_size, row.layer.dilation, window.size, row.input_shape, strict=False)
    return any(length == 1 and (extent - 1) // 2 % dilation for _, dilation, extent, length in axes)


def passes_some_branches(row):
    """Whether the maximum over planes with weights of their own can leave some planes out."""
    return getattr(row.layer, "fuse", None) == "max" and not row.layer.shared


@every_type
@examples
def test_the_gradient_reaches_every_weight(name, num_examples):
    def check(case):
        if any(meets_no_voxel(row) or passes_some_branches(row) for row in case.rows):
            return
        model, images = case.keras_model, images_for(case)
        set_positive_weights(model)

        def value():
            outputs = model(images, training=False)
            shares = np.random.default_rng(2).uniform(1, 2, outputs.shape[1:])  # a norm keeps the sum of its outputs
            return keras.ops.sum(outputs * shares.astype(np.float32)), outputs

        weights = model.trainable_variables
        if weights:
            _, gradients = backend_module().value_and_gradients(value, weights, model.non_trainable_variables)
            for weight, gradient in zip(weights, gradients, strict=True):
                assert gradient is not None, weight.path
                assert np.any(keras.ops.convert_to_numpy(gradient)), weight.path

    hold(check, name, num_examples)


@pytest.mark.slow
@every_type
@examples
def test_a_training_twin_is_the_network_and_looks_at_other_cases_only_where_a_layer_says_so(name, num_examples):
    def check(case):
        model, images, keys = case.keras_model, images_for(case), CaseKeys()
        set_positive_weights(model)
        twin = build_training_twin(model, keys)
        np.testing.assert_allclose(twin(images, training=False), model(images, training=False), rtol=1e-5, atol=1e-6)
        assert [weight.shape for weight in twin.weights] == [weight.shape for weight in model.weights]
        concerned, in_twin = ({id(weight) for weight in penalized_weights(network)} for network in (model, twin))
        assert [id(weight) in in_twin for weight in twin.weights] == [
            id(weight) in concerned for weight in model.weights
        ]
        attributes = (value for layer in twin.layers for value in vars(layer).values())
        assert not any(isinstance(value, keras.random.SeedGenerator) for value in attributes)
        says_so = any(row.layer.normalizes_batch(row.input_shape) for row in case.rows)
        assert says_so == any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)
        if not says_so:
            keys.batch = np.arange(len(images), dtype=np.uint32)
            first, second = (
                twin(np.stack([images[0], *others]), training=True)[0] for others in (images[1:], images[:2])
            )
            np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)

    hold(check, name, num_examples)


@pytest.mark.slow
@every_type
@examples
def test_features_see_the_voxels_of_their_receptive_field(name, num_examples):
    def check(case):
        rank = case.arch.rank
        grid = case.layer.propagate_grid(input_grid(rank), case.input_shape)
        assert len(grid) == len(case.output_shape) - 1
        has_inner_border = len(case.rows) > 1 and any(row.type == "CROP" for row in case.rows)
        if not grid or case.layer.sees_whole_input or has_inner_border:
            return
        model = case.keras_model
        set_positive_weights(model)
        middle = tuple(n // 2 for n in case.output_shape[:-1])
        dark = np.asarray(model(np.zeros((1, *case.input_shape), np.float32)))
        for axis, seen in enumerate(grid):
            lines = np.zeros((case.input_shape[axis], *case.input_shape), np.float32)
            for number in range(len(lines)):
                lines[number].swapaxes(0, axis)[number] = 1
            response = np.abs(np.asarray(model(lines)) - dark)[(slice(None), *middle)].max(axis=-1)
            is_seen = np.flatnonzero(response > 1e-6)
            if not len(is_seen):  # the window lies among the zeros of a padding
                continue
            gap = max(seen.step, *np.diff(is_seen), 1)
            if gap <= is_seen[0] and is_seen[-1] < len(lines) - gap:  # else the border cuts off what it would see
                ends = (seen.first + seen.step * middle[axis], seen.last + seen.step * middle[axis])
                assert (is_seen[0], is_seen[-1]) == ends

    hold(check, name, num_examples, sizes=((21, 26), (13, 15)))


@every_type
@examples
def test_a_layer_is_refused_behind_what_flattens_where_keras_refuses_it(name, num_examples):
    def check(case):
        rank = case.arch.rank
        try:
            keras_form(case.layer, (5,), rank)
            does_fit = True
        except ValueError:
            does_fit = False
        is_accepted = is_planned = False
        with contextlib.suppress(DocumentError):
            arch = arch_of(FC, case.document, rank=rank)
            is_accepted = True
            is_planned = bool(arch.plan(case.input_shape))
        assert does_fit or not is_planned
        if not list(case.layer.inner_layers()):
            assert is_accepted or not does_fit
        assert case.layer.flattens == (len(case.output_shape) == 1)

    hold(check, name, num_examples)


@every_type
@examples
def test_grad_cam_uses_what_has_a_kernel_and_keeps_the_axes(name, num_examples):
    def check(case):
        layer = case.layer
        makes_features = any(inner.traits.feature_map == "new" for _, inner in walk([layer]))
        if list(layer.inner_layers()):
            has_map = layer.traits.has_row and len(case.output_shape) > 1
            is_map = layer.traits.feature_map == "new" and not layer.flattens
            assert is_map == has_map or not makes_features
            return
        has_kernel = bool(penalized_weights(case.keras_model))
        is_gate = isinstance(case.keras_model.layers[-1], keras.layers.Multiply)  # the features it sees, weighted
        if len(case.output_shape) > 1 and has_kernel:
            assert layer.traits.feature_map == ("same" if is_gate else "new")
        else:
            assert not makes_features
        if layer.traits.feature_map == "same":
            assert case.output_shape == case.input_shape

    hold(check, name, num_examples)


def holder_documents(holder, document):
    """Documents of a layer type with a layer in each of its lists of layers."""
    properties, example = BRANCHES[holder]["properties"], BRANCHES[holder]["examples"][0]
    if "layers" in properties:
        yield {**example, "layers": [document]}
    if "branches" in properties:
        yield {**example, "branches": [[document], [document]]}
    if "shortcut" in properties:
        yield {**example, "layers": [document], "shortcut": [document]}


def test_a_layer_is_tried_in_every_list_of_layers():
    for name in LAYERS:
        keys = {key for key, entry in BRANCHES[name]["properties"].items() if "#/$defs/" in str(entry.get("items"))}
        keys |= {key for key, entry in BRANCHES[name]["properties"].items() if entry.get("$ref") == "#/$defs/layers"}
        tried = {
            key for document in holder_documents(name, FC) for key in document if document[key] in ([FC], [[FC], [FC]])
        }
        assert keys == tried


def check_inside(case, holder, document):
    rank = case.arch.rank
    input_shape = case.input_shape
    if inner_rank(document, rank) != rank:
        return
    if inner_rank(document, None) is not None:  # its layers see the slices of a volume, and end flat
        rank, input_shape = 3, (*input_shape[:-1], 2, input_shape[-1])
        document["layers"] += [{"type": "GAP"}] * (len(case.output_shape) > 1)
    is_refused = case.layer.traits.is_terminal or (
        LAYERS[holder].traits.holds_maps_only and len(case.output_shape) == 1
    )
    if is_refused:
        with pytest.raises(DocumentError, match=f"is not allowed in {holder}. Move it out."):
            arch_of(document, rank=rank)
        return
    arch = arch_of(document, rank=rank)
    try:
        plan = arch.plan(input_shape)
    except DocumentError:
        return
    model = build(arch, input_shape)
    assert sum(row.num_parameters for row in plan) == model.count_params()
    assert sum(row.num_stored_values for row in plan) >= num_needed_values(model)


@pytest.mark.slow
@every_type
@few_examples
def test_inside_another_layer_a_layer_is_refused_with_its_location_or_costs_what_keras_says(name, num_examples):
    def check(case):
        for holder in LAYERS:
            for document in holder_documents(holder, case.document):
                check_inside(case, holder, document)

    hold(check, name, num_examples)
