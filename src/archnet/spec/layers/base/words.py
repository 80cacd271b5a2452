"""Texts for the summaries of layers."""

from __future__ import annotations

from archnet.spec.layers.base.shapes import Shape, sizes_text


def join_words(*words: str | None) -> str:
    """Join words with spaces, without empty ones."""
    return " ".join(word for word in words if word)


def drop_out_text(drop_out: float) -> str:
    """Format a dropout percentage for tables; empty for 0.

    >>> drop_out_text(8.3)
    'drop 8.3%'
    """
    return f"drop {drop_out:g}%" if drop_out else ""


def drop_path_text(drop_path: float) -> str:
    """Format a stochastic depth percentage for tables; empty for 0.

    >>> drop_path_text(10)
    'drop path 10%'
    """
    return f"drop path {drop_path:g}%" if drop_path else ""


def stride_text(stride: Shape) -> str:
    """Format a stride for tables; empty if all strides are 1."""
    return f"stride {sizes_text(stride)}" if max(stride) > 1 else ""
