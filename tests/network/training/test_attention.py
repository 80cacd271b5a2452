"""Attention, positions and gates in training: micro-batches, interruptions, precisions and the penalty."""

import keras
import numpy as np
import pytest

from archnet.network.training.dropout import CaseKeys
from archnet.network.training.losses import penalized_weights
from archnet.network.training.training_twin import build_training_twin
from archnet.spec.augmentations import Flip
from long_tests import long_except
from plain_training import plain
from small_training import are_equal, bright_and_dark, built, fit, killed_and_resumed


def network_of_gates(rank=2):
    """Every layer that weighs what it sees, with dropout of values and of paths."""
    layers = [
        {"type": "C", "num_output": 8, "kernel_size": [3] * rank, "stride": 2, "norm": "group"},
        {"type": "ACT", "activation": "silu"},
        {"type": "SE", "ratio": 4},
        {"type": "CBAM", "ratio": 4, "kernel_size": 3},
        {"type": "CROP", "size": 3},
        {"type": "POS"},
        {"type": "ATT", "heads": 2, "ratio": 2, "drop_out": 20, "drop_path": 30},
        {"type": "GMP"},
        {"type": "T"},
    ]
    return built(layers, rank, 2, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("rank", long_except({2}, [2, 3]))
def test_micro_batches_do_not_change_the_weights(rank):
    training = plain(
        optimizer="sgd", momentum=0.9, learning_rate=0.02, epochs=2, batch_size=16, l2=0.01, clip_norm=0.3,
        augmentation=(Flip(),), ema=0.9,
    )  # fmt: skip
    examples = bright_and_dark(43, rank)
    whole, rows = fit(training, network_of_gates(rank), examples)
    parts, other_rows = fit(training, network_of_gates(rank), examples, micro_batch=5)
    for weight, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        assert np.abs(weight - other).max() < 1e-5
    for row, other in zip(rows, other_rows, strict=True):
        assert row["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)
    pairs = zip(whole.weights, network_of_gates(rank).weights, strict=True)
    assert not [weight.path for weight, start in pairs if np.array_equal(weight, start)]


@pytest.mark.long
def test_an_interrupted_training_ends_with_the_same_bits(tmp_path):
    training, examples = plain(epochs=2, batch_size=8, ema=0.9, augmentation=(Flip(),)), bright_and_dark(27, 3)

    def fitted(**options):
        return fit(training, network_of_gates(3), examples, **options)[0]

    whole, resumed = killed_and_resumed(fitted, tmp_path, step=6)
    assert are_equal(resumed.get_weights(), whole.get_weights())


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_agrees_with_float32_and_keeps_float32_weights_and_logits(precision):
    network, keys = network_of_gates(), CaseKeys()
    twin, half = (build_training_twin(network, keys, name) for name in ("float32", precision))
    images = np.random.default_rng(0).random((8, 8, 8, 1), np.float32)
    outputs, halves = (np.asarray(model(images, training=False)) for model in (twin, half))
    assert halves.dtype == np.float32
    assert {weight.dtype for weight in half.weights} == {"float32"}
    assert {layer.compute_dtype for layer in half.layers[1:-1]} == {precision}
    np.testing.assert_allclose(halves, outputs, atol=0.03 * np.abs(outputs).max())  # some CPUs round partial sums
    assert not np.array_equal(halves, outputs)


@pytest.mark.long
def test_a_training_in_bfloat16_learns():
    _, rows = fit(plain(epochs=12, batch_size=16, learning_rate=0.01, precision="bfloat16"), network_of_gates())
    assert rows[-1]["train_loss"] < rows[0]["train_loss"] / 2


def test_the_penalty_concerns_kernels_and_biases_of_convolutions_and_dense_layers_alone():
    network = network_of_gates()
    kinds = (keras.layers.Conv2D, keras.layers.Dense)
    expected = [weight.path for layer in network.layers if isinstance(layer, kinds) for weight in layer.weights]
    assert sorted(weight.path for weight in penalized_weights(network)) == sorted(expected)
