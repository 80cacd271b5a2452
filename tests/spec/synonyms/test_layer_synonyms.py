"""Layer types under the names of Keras and PyTorch: the message says what to write."""

import pytest

from archnet.errors import DocumentError
from archnet.spec.arch import load_arch
from archnet.spec.layers import LAYERS
from archnet.spec.synonyms.layer_synonyms import _ADVICE, layer_type_hint

EXPECTED = {
    "C": ["Conv", "Conv2D", "Conv3D", "Conv2d", "nn.Conv3d", "Convolution3D", "conv_2d"],
    "FC": ["Dense", "Linear", "nn.Linear", "fully_connected"],
    "P": ["MaxPool", "MaxPooling3D", "MaxPool2d", "AveragePooling2D", "AvgPool3d"],
    "DO": ["Dropout", "SpatialDropout3D", "Dropout3d"],
    "BN": ["BatchNorm", "BatchNormalization", "BatchNorm3d"],
    "NORM": ["LayerNormalization", "GroupNorm", "InstanceNorm3d"],
    "ACT": ["ReLU", "Activation", "LeakyReLU", "Sigmoid"],
    "T": ["Softmax", "Output"],
    "GAP": ["GlobalAveragePooling3D", "AdaptiveAvgPool3d"],
    "GMP": ["GlobalMaxPooling2D", "AdaptiveMaxPool2d"],
    "CAT": ["Concatenate", "concat"],
    "ADD": ["sum"],
    "RES": ["ResidualBlock", "Bottleneck"],
    "ATT": ["MultiHeadAttention", "TransformerEncoderLayer"],
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in EXPECTED.items() for name in names])
def test_a_layer_of_keras_or_pytorch_suggests_its_type(kind, name):
    with pytest.raises(DocumentError) as caught:
        load_arch({"rank": 3, "layers": [{"type": name}, {"type": "T"}]})
    message = str(caught.value).splitlines()[0]
    assert message.startswith(f'arch $.layers[0].type: "{name}" is not one of "C", "P", ')
    assert f'. Use "{kind}"' in message


@pytest.mark.parametrize("name", ["Flatten", "InputLayer"])
def test_a_layer_that_archnet_does_not_need_is_to_be_removed(name):
    assert layer_type_hint(name, LAYERS).startswith(" Remove it: ")


def test_other_words_have_no_hint():
    assert layer_type_hint("Lambda", LAYERS) == ""


def test_only_known_types_are_advised():
    advised = {text.split('"')[1] for text in _ADVICE.values() if text.startswith("Use ")}
    assert advised <= set(LAYERS)
