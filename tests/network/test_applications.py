"""Networks of archs/applications: as many parameters as Keras's, and with Keras's weights the same logits.

`experiments/check_applications.py` says what is drawn and how the weights are moved, and compares all.
"""

from pathlib import Path

import keras
import numpy as np
import pytest

from experiment_scripts import load_script
from long_tests import long_except

check = load_script("check_applications")
NETWORKS = Path(__file__).parents[2] / "archs/applications"
SAME_LAYERS = {"vgg16", "xception", "mobilenetv2"}
"""Have only layers that others have too, or fully connected ones; the script compares these networks."""


IN_CI = {"resnet50"}
"""Together they have squeeze and excitation, depthwise convolutions, drop path, strided shortcuts and repetitions."""


def test_each_file_has_its_application():
    assert sorted(check.APPLICATIONS) == sorted(path.stem for path in NETWORKS.glob("*.json"))


@pytest.mark.slow
@pytest.mark.parametrize("name", long_except(IN_CI, [name for name in check.APPLICATIONS if name not in SAME_LAYERS]))
def test_an_application_has_keras_s_parameters_and_with_its_weights_its_logits(name):
    """At an uneven size, which shows most of padding; the script also compares at the design size."""
    comparison = check.compare(name, check.UNEVEN)
    assert comparison.parameters == comparison.keras_parameters
    assert comparison.difference <= 1e-4
    assert 1 < comparison.logit < 1000  # a difference of 1e-4 is no rounding error, and none that scale hides
    assert comparison.spread > 0.01  # the images matter


@pytest.mark.slow
def test_drawn_statistics_keep_the_scale_of_the_signal():
    inputs = keras.Input((8, 8, 3))
    tensor = inputs
    for _ in range(30):
        tensor = keras.layers.Conv2D(8, 3, padding="same")(keras.layers.BatchNormalization()(tensor))
    network = keras.Model(inputs, tensor)
    images = np.random.default_rng(1).normal(size=(2, 8, 8, 3)).astype(np.float32)
    check.randomize(network, images)
    assert 0.1 < np.std(network(images)) < 10
    for norm in (layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)):
        assert "call" not in vars(norm)
        assert not np.allclose(norm.moving_mean, 0)
        assert not np.allclose(norm.moving_variance, 1)
