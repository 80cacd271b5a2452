"""Large numbers with unit prefixes."""

from __future__ import annotations


def count_text(number: float) -> str:
    """A count with three digits and a decimal prefix.

    >>> count_text(157_510_108), count_text(20), count_text(999), count_text(1000)
    ('158 M', '20', '999', '1 k')
    """
    return _number_with_unit(number, ("", "k", "M", "G"))


def bytes_text(number: float) -> str:
    """A number of bytes with three digits, in decimal units.

    >>> bytes_text(8_755_723_200), bytes_text(40)
    ('8.76 GB', '40 B')
    """
    return _number_with_unit(number, ("B", "kB", "MB", "GB"))


def _number_with_unit(number: float, units: tuple[str, ...]) -> str:
    for unit in units[:-1]:
        if number < 1000:
            return f"{number:.3g} {unit}".rstrip()
        number /= 1000
    return f"{number:.3g} {units[-1]}"
