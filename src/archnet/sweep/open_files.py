"""The limit on open files and connections of a process: Ray needs many."""

from __future__ import annotations

from typing import Final

from archnet.errors import RunError

MIN_OPEN_FILES: Final = 1024
"""Below this limit, Ray's processes fail at their start or later without naming the reason."""


def require_open_files() -> None:
    """Raise the limit on open files of this process to what Ray needs, where the system allows it.

    Raises:
        RunError: The system's hard limit is too low.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= MIN_OPEN_FILES:
        return
    if hard != resource.RLIM_INFINITY and hard < MIN_OPEN_FILES:
        raise RunError(
            f"This process may open {hard:,} files (ulimit -n), but a sweep needs {MIN_OPEN_FILES:,} for Ray. Raise "
            f"the limit with ulimit -n {MIN_OPEN_FILES} and run the same command again."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (MIN_OPEN_FILES, hard))
