"""Values of options in a sentence, as reasons and log lines have them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from archnet.spec.augmentations import Augmentation


def value_text(value: Any) -> str:
    """The text of an option's value; a whole number reads alike as an integer and as a float.

    >>> from archnet.spec.augmentations import RightAngles, Shift
    >>> value_text((RightAngles(), Shift(height=3, width=2))), value_text(1.0), value_text(None)
    ('right_angles, shift height 3 width 2 depth 0', '1', 'none')
    """
    if isinstance(value, tuple):
        return ", ".join(map(_augmentation_text, value)) or "none"
    return "none" if value is None else value if isinstance(value, str) else f"{value:g}"


def short_value_text(value: Any) -> str:
    """The text of an option's value, with augmentations by name alone."""
    return " + ".join(entry.name for entry in value) or "none" if isinstance(value, tuple) else value_text(value)


def _augmentation_text(augmentation: Augmentation) -> str:
    parameters = (f"{key} {_parameter_text(value)}" for key, value in asdict(augmentation).items())
    return " ".join([augmentation.name, *parameters])


def _parameter_text(value: Any) -> str:
    return f"({', '.join(map(value_text, value))})" if isinstance(value, tuple) else value_text(value)
