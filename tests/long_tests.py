"""Parameters of tests that CI does not run: they repeat a test on more cases."""

import pytest


def long_except(kept, values):
    """The values, of which all but the kept ones are for `-m long`; raises an error for a kept one that is not a value."""
    values = list(values)
    if missing := set(kept) - set(values):
        raise ValueError(f"{missing} are kept, but not among the values")
    return [value if value in kept else _long(value) for value in values]


def _long(value):
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.long)
