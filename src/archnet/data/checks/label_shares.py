"""Summaries of soft labels and case weights, and a finding that reports them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archnet.data.checks.findings import Finding
from archnet.errors import pluralize


def summarize_soft_labels(soft: NDArray[np.float32]) -> dict[str, Any]:
    """Summarize soft labels, JSON-ready.

    Args:
        soft: (N, classes) share of each class; each row sums to 1.

    Returns:
        Number of cases whose label is `soft` (no share is 1), and over all cases `mean_largest_share` and
        `mean_entropy_bits` (Shannon 1948: 0 for a hard label, 1 for equal shares of two classes).

    >>> summarize_soft_labels(np.array([[0.5, 0.5], [0, 1]], np.float32))
    {'soft': 1, 'mean_largest_share': 0.75, 'mean_entropy_bits': 0.5}
    """
    shares = soft.astype(np.float64)
    entropies = -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(axis=1)
    return {
        "soft": int(np.count_nonzero(shares.max(axis=1) < 1)),
        "mean_largest_share": float(shares.max(axis=1).mean()),
        "mean_entropy_bits": abs(float(entropies.mean())),  # -0.0 becomes 0.0
    }


def summarize_weights(weight: NDArray[np.float32]) -> dict[str, float]:
    """Summarize weights, JSON-ready.

    Args:
        weight: (N,) positive weights.

    Returns:
        `least` and `largest` weight, and the `effective_cases` (Σw)² / Σw² (Kish 1965, Survey Sampling, section 11.7):
        the number of equally weighted cases that estimate a mean with the same variance.

    >>> summarize_weights(np.array([1, 1, 2], np.float32))["effective_cases"].__round__(3)
    2.667
    """
    weights = weight.astype(np.float64)
    return {
        "least": float(weights.min()),
        "largest": float(weights.max()),
        "effective_cases": float(weights.sum() ** 2 / (weights**2).sum()),
    }


def check_labels(soft: NDArray[np.float32] | None, weight: NDArray[np.float32] | None) -> Iterator[Finding]:
    """Report a summary of the soft labels and weights, if any.

    Args:
        soft: (N, classes) share of each class.
        weight: (N,) positive weights.
    """
    texts = []
    if soft is not None and len(soft):
        summary, total = summarize_soft_labels(soft), pluralize(len(soft), "case")
        texts.append(
            f"{summary['soft']:,} of {total} {'has a soft label' if summary['soft'] == 1 else 'have soft labels'}; the "
            f"mean largest share is {summary['mean_largest_share']:.3f}, the mean entropy "
            f"{summary['mean_entropy_bits']:.3f} bits."
        )
    if weight is not None and len(weight):
        entry = summarize_weights(weight)
        texts.append(
            f"The weights of the cases are {entry['least']:.3g} to {entry['largest']:.3g}; the effective number of "
            f"cases is {entry['effective_cases']:,.1f} of {len(weight):,}."
        )
    if texts:
        yield Finding(check="soft_labels", severity="note", message=" ".join(texts))
