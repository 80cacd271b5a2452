"""Remedies for errors of the operating system."""

from __future__ import annotations

import errno
from typing import Final

REMEDIES: Final = {
    errno.ENOSPC: "Free some disk space.",
    errno.EDQUOT: "Free some disk space: your quota is used up.",
    errno.EROFS: "Mount the disk with write access, or use a copy of the folder on another disk.",
    errno.EFBIG: "The file exceeds the size limit for files: see ulimit -f.",
    errno.EMFILE: "Raise the limit on open files with ulimit -n.",
}
"""Remedies for errors that are unrelated to the user's input, by error number."""


def remedy(error: OSError) -> str:
    """Return the remedy for a system error, as a sentence.

    >>> remedy(OSError(errno.ENOSPC, "No space left on device"))
    'Free some disk space.'
    """
    return REMEDIES.get(error.errno or 0, "Check the path, its permissions and the space on the disk.")
