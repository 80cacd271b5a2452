"""Residual blocks: their shortcuts, drop path and layer scale."""

import keras
import numpy as np
import pytest

from archnet.errors import DocumentError
from archnet.files.strict_json import Document
from archnet.network.build.network import build
from archnet.network.training.dropout import CaseKeys
from archnet.network.training.training_twin import build_training_twin
from archnet.spec.arch import parse_arch
from archnet.spec.layers import layer_document
from archnet.spec.overrides import apply_override, parse_override

T = {"type": "T"}
GAP = {"type": "GAP"}


def conv(num_output=4, **keys):
    return {"type": "C", "num_output": num_output, "kernel_size": 3, **keys}


def residual(*layers, **keys):
    return {"type": "RES", "layers": list(layers), **keys}


def arch_of(*layers, rank=2):
    return parse_arch(Document(value={"rank": rank, "layers": [*layers, T]}, source="mine.json"))


def message(*layers):
    with pytest.raises(DocumentError) as caught:
        arch_of(*layers).plan((8, 8))
    return str(caught.value)


def test_the_defaults_are_written_out():
    assert layer_document(arch_of(residual({"type": "BN"})).layers[0]) == {
        "type": "RES",
        "layers": [{"type": "BN"}],
        "shortcut": None,
        "activation": None,
        "norm": None,
        "drop_path": 0.0,
        "layer_scale": None,
    }


def test_the_shortcut_is_what_the_document_says():
    pool = {"type": "P", "pool": "max", "kernel_size": 1, "stride": 2}
    block = residual(conv(), conv(stride=2), shortcut=[pool])
    rows = arch_of(conv(), block).plan((8, 8))
    assert [(row.path[2:], row.output_shape) for row in rows[1:-1]] == [
        (("layers", 0), (8, 8, 4)),
        (("layers", 1), (4, 4, 4)),
        (("shortcut", 0), (4, 4, 4)),
        ((), (4, 4, 4)),
    ]
    assert rows[-2].num_parameters == 0
    assert arch_of(conv(), residual(conv(), shortcut=[])).plan((8, 8))[2].num_parameters == 0


def test_a_shortcut_that_does_not_meet_the_inner_layers_is_refused():
    assert message(conv(), residual(conv(6, stride=2), shortcut=[conv(6)])) == (
        "mine.json $.layers[1]: RES the inner layers change (8, 8, 4) to (4, 4, 6), but the shortcut gives (8, 8, 6). "
        "Give both the same strides and num_output, or set shortcut to null for a 1x1 convolution."
    )


@pytest.mark.parametrize("norm", [{"norm": "batch"}, {"batch_norm": True}])
def test_a_norm_next_to_a_shortcut_is_refused(norm):
    (key,) = norm
    assert message(residual(conv(), shortcut=[conv()], **norm)) == (
        f'mine.json $.layers[0].{key}: this applies to the default shortcut, but "shortcut" is given. Remove "{key}" or the '
        "shortcut."
    )


def test_a_layer_of_a_shortcut_is_named_and_keeps_the_spatial_axes():
    assert message(residual(conv(), shortcut=[conv(kernel_size=9, padding="valid")])) == (
        'mine.json $.layers[0].shortcut[0]: C "valid" with kernel 9 does not fit its input (8, 8). '
        "Remove a pooling or enlarge the crop."
    )
    assert "mine.json $.layers[0].shortcut[0]: GAP is not allowed in RES." in message(residual(conv(), shortcut=[GAP]))


def test_a_dotted_key_reaches_into_a_shortcut():
    document = Document(value={"layers": [residual(conv(), shortcut=[conv(), conv()]), T]}, source="a")
    changed = apply_override(document, *parse_override("layers[0].shortcut[1].num_output=7"))
    assert [layer["num_output"] for layer in changed.value["layers"][0]["shortcut"]] == [4, 7]


def test_a_share_in_place_of_a_percentage_is_warned_about():
    assert arch_of(residual(conv(), drop_path=0.1)).warnings() == [
        "mine.json $.layers[0].drop_path: drop_path is a percentage: 0.1 drops 0.1% of the values. Did you mean 10?"
    ]


def test_keras_layers_follow_the_order_of_the_papers():
    block = residual(conv(), layer_scale=1e-6, drop_path=20, activation="relu")
    kinds = [type(layer).__name__ for layer in build(arch_of(conv(), block), (8, 8)).layers]
    assert kinds[2:-2] == ["Conv2D", "EinsumDense", "Dropout", "Add", "Activation"]


@pytest.mark.parametrize("rank", [2, 3])
def test_a_layer_scale_has_a_weight_for_each_channel_which_is_not_penalized(rank):
    network = build(arch_of(conv(), residual(conv(), layer_scale=0.5), rank=rank), (6,) * rank)
    scale = next(layer for layer in network.layers if isinstance(layer, keras.layers.EinsumDense))
    np.testing.assert_array_equal(scale.get_weights()[0], np.full(4, 0.5, np.float32))
    assert scale.name not in network.penalized_names
    scale.set_weights([np.arange(4, dtype=np.float32)])
    features = np.random.default_rng(0).random((2, *[6] * rank, 4), np.float32)
    np.testing.assert_array_equal(scale(features), features * np.arange(4, dtype=np.float32))


def test_drop_path_drops_whole_cases_and_rescales_the_others():
    network = build(arch_of(residual(conv(1), drop_path=25, shortcut=[])), (6, 6))
    dropout = next(layer for layer in network.layers if isinstance(layer, keras.layers.Dropout))
    keys = CaseKeys()
    twin = build_training_twin(network, keys)
    keys.batch = np.random.default_rng(0).integers(0, 1 << 32, 4000, np.uint32)
    dropped = np.asarray(twin.get_layer(dropout.name)(np.ones((4000, 6, 6, 1), np.float32), training=True))
    by_case = dropped.reshape(4000, -1)
    assert (by_case == by_case[:, :1]).all()
    assert set(np.unique(by_case)) == {np.float32(0), np.float32(4 / 3)}
    assert (by_case[:, 0] == 0).mean() == pytest.approx(0.25, abs=0.02)
