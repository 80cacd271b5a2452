"""Identify annotations of a scan by the same reader, from the names that reading programs gave to nodules.

LIDC-IDRI's files do not name readers. A scan was read at four of five sites, each with its own program: one names
nodules "Nodule 001", one counts them ("0", "12"), two write the site before a number ("IL057_159650"). These names show
that two annotations are by one reader. A number of a site's database ("159650") does not.
"""

from __future__ import annotations

from string import digits

_MAX_COUNTED_DIGITS = 2


def reader_name(nodule: str, annotation: int) -> str:
    """Return a name that is equal for annotations of one scan that are known to be by one reader.

    Args:
        nodule: The nodule's name in the reader's program.
        annotation: Number of the annotation.

    >>> reader_name("Nodule 001", 1), reader_name("Nodule 003", 2), reader_name("IL057_159650", 3)
    ('Nodule', 'Nodule', 'IL057_')
    >>> reader_name("0", 4), reader_name("12", 5), reader_name("159650", 6), reader_name("159648", 7)
    ('counted', 'counted', 'annotation 6', 'annotation 7')
    """
    name = nodule.strip()
    prefix = name.rstrip(digits)
    if prefix and prefix != name:
        return prefix.strip()
    is_counted = not prefix and 0 < len(name) <= _MAX_COUNTED_DIGITS
    return "counted" if is_counted else f"annotation {annotation}"
