"""The scikit-learn models of the baselines, and their features (block means)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FOREST: Final = {"n_estimators": 300, "min_samples_leaf": 5, "class_weight": "balanced"}
LOGISTIC: Final = {"C": 0.01, "class_weight": "balanced", "max_iter": 2000}
"""Options of the scikit-learn models; the logistic regression has standardized features."""

Classifier = Any


def axis_block_means(images: NDArray[np.float32], axis: int, number: int) -> NDArray[np.float32]:
    """The means over blocks along one axis, whose sizes differ by at most one voxel."""
    edges = np.arange(number + 1) * images.shape[axis] // number
    sizes = np.diff(edges).astype(np.float32).reshape([-1 if k == axis else 1 for k in range(images.ndim)])
    means: NDArray[np.float32] = np.add.reduceat(images, edges[:-1], axis=axis) / sizes
    return means


def fit_baseline(
    name: str,
    voxels: NDArray[np.float32],
    labels: NDArray[np.int64],
    seed: int,
    weights: NDArray[np.float32] | None = None,
) -> Classifier:
    """Fit a baseline to (N, blocks) features and hard labels.

    Args:
        name: Key of `BASELINES`.
        voxels: (N, blocks).
        labels: (N,) index of the class.
        seed: Seed of the random numbers.
        weights: (N,) weight of each case, divided by their mean before the fit; None means equal weights.
    """
    model = BASELINES[name](seed)
    steps = [f"{step}__" for step, _ in getattr(model, "steps", ())] or [""]
    options = (
        {} if weights is None else {f"{step}sample_weight": weights / weights.mean(dtype=np.float64) for step in steps}
    )
    model.fit(voxels, labels, **options)
    if "n_jobs" in model.get_params():
        model.set_params(n_jobs=1)  # threads would sum the trees' votes in an undefined order
    return model


def _make_forest(seed: int) -> Classifier:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(**FOREST, random_state=seed, n_jobs=-1)


def _make_logistic_regression(seed: int) -> Classifier:
    """A logistic regression, which is deterministic and ignores the seed."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(**LOGISTIC))


BASELINES: Final[dict[str, Callable[[int], Classifier]]] = {
    "random_forest": _make_forest,
    "logistic_regression": _make_logistic_regression,
}


def num_parameters(model: Classifier) -> int:
    """The nodes of a forest's trees, or the coefficients of a logistic regression."""
    trees = getattr(model, "estimators_", None)
    if trees is not None:
        return sum(int(tree.tree_.node_count) for tree in trees)
    regression = model[-1]
    return int(regression.coef_.size + regression.intercept_.size)
