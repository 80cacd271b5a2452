"""Loss functions and the weights that are penalized."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from archnet.spec.experiment import Training

Tensor = Any


def case_losses(logits: Tensor, shares: Tensor, training: Training) -> Tensor:
    """Cross-entropy of each case with label smoothing, or its focal form.

    The focal loss is Σ -y·(1 - p)^γ·log p (Lin et al. 2017, doi:10.1109/ICCV.2017.324); its class weights α are given
    by `balance`.

    Args:
        logits: (N, classes), float32.
        shares: (N, classes) share of each class in the label, float32; a single 1 for a hard label.
        training: The options `loss`, `focal_gamma` and `label_smoothing`.

    Returns:
        (N,), float32.
    """
    num_classes, smoothing = logits.shape[-1], training.label_smoothing
    target = shares * (1 - smoothing) + smoothing / num_classes
    log_probabilities = ops.log_softmax(logits)
    losses = -target * log_probabilities
    if training.loss == "focal":
        # Not at 0, where a power below 1 has no gradient.
        losses = losses * ops.maximum(1 - ops.exp(log_probabilities), 1e-7) ** training.focal_gamma
    return ops.sum(losses, axis=-1)


def penalized_weights(network: keras.Model) -> list[keras.Variable]:
    """The weights with the L2 penalty λ/2·Σw²: kernels and biases.

    Args:
        network: Result of `build` or `build_training_twin`.
    """
    layers = [network.get_layer(name) for name in network.penalized_names]
    return [weight for layer in layers for weight in layer.trainable_weights]


def confusion_counts(logits: Tensor, labels: Tensor, is_counted: Tensor) -> Tensor:
    """Confusion matrix of a batch, (classes, classes) float32: rows truth, columns prediction.

    Args:
        logits: (N, classes).
        labels: (N,) index of the class; a negative one, of a case that has only a soft label, is not counted.
        is_counted: (N,) booleans.
    """
    num_classes = logits.shape[-1]
    truth = ops.one_hot(labels, num_classes, dtype="float32") * ops.expand_dims(ops.cast(is_counted, "float32"), 1)
    prediction = ops.one_hot(ops.argmax(logits, axis=-1), num_classes, dtype="float32")
    return ops.matmul(ops.transpose(truth), prediction)
