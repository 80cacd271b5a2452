"""The error of a layer that does not fit its input, with the key that makes it fit."""

from __future__ import annotations

from math import gcd
from typing import Any


class LayerFitError(ValueError):
    """A layer does not fit its input.

    Attributes:
        keys: Values of keys of the layer's document with which it fits.
    """

    def __init__(self, message: str, **keys: Any) -> None:
        super().__init__(message)
        self.keys = keys


def nearest_divisor(number: int, *multiples: int) -> int:
    """The common divisor of some numbers that is nearest to a given one; the smaller one of two.

    >>> nearest_divisor(5, 16), nearest_divisor(8, 12, 18), nearest_divisor(4, 3), nearest_divisor(2, 3, 5)
    (4, 6, 3, 1)
    """
    greatest = gcd(*multiples)
    divisors = (each for each in range(1, greatest + 1) if greatest % each == 0)
    return min(divisors, key=lambda each: (abs(each - number), each))
