"""Prediction: class probabilities of cases, without dropout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from archnet.network.backend import backend_module
from archnet.network.examples import gather_images, split_batches
from archnet.network.prefetch import prefetch_items
from archnet.spec.view import IDENTITY, CaseView

PREDICT_BATCH: Final = 64
"""Maximum number of cases per prediction step."""

PREDICT_VOXELS: Final = 1 << 22
"""Maximum number of input voxels per prediction step with more than one case, because whole scans are large."""


class Predictor:
    """Predicts class probabilities of images with a model.

    Attributes:
        model: Result of `build_inference_model`.
        batch_size: Maximum batch size.
        views: The views of a case over which its probabilities are averaged.
    """

    def __init__(
        self, model: keras.Model, batch_size: int | None = None, views: Sequence[CaseView] = (IDENTITY,)
    ) -> None:
        self.model = model
        self.views = tuple(views)
        self.batch_size = min(batch_size or PREDICT_BATCH, PREDICT_BATCH)
        self._forward = backend_module().compile_graph(
            lambda batch: model(batch["images"], training=False), model.variables
        )

    def predict(self, images: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Predict the class probabilities of images.

        Args:
            images: (all cases, height, width[, depth], channels) raw values; may be memory-mapped.
            rows: (N,) rows of the cases to predict.

        Returns:
            (N, classes), float64.
        """
        size = min(self.batch_size, max(PREDICT_VOXELS // math.prod(images.shape[1:]), 1))
        micro_batches = prefetch_items(
            {"images": np.ascontiguousarray(view(gathered))}
            for gathered in (gather_images(images, members) for members in split_batches(rows, size))
            for view in self.views
        )
        outputs = [keras.ops.convert_to_numpy(self._forward(batch)).astype(np.float64) for batch in micro_batches]
        number = len(self.views)
        return np.concatenate(
            [np.mean(outputs[start : start + number], axis=0) for start in range(0, len(outputs), number)]
        )


def predict_probabilities(
    model: keras.Model,
    images: NDArray[Any],
    rows: NDArray[np.int64],
    batch_size: int | None = None,
    views: Sequence[CaseView] = (IDENTITY,),
) -> NDArray[np.float64]:
    """Predict class probabilities of images, (N, classes); see `Predictor`."""
    return Predictor(model, batch_size, views).predict(images, rows)
