"""The machine a run was made on: what is needed to repeat it, and how much memory it took."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = (
    "archnet",
    "keras",
    "tensorflow",
    "jax",
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "SimpleITK",
    "nibabel",
)
"""Packages whose versions can change a result."""

_STATUS: Final = Path("/proc/self/status")
_CLEAR: Final = Path("/proc/self/clear_refs")


def environment() -> dict[str, Any]:
    """Versions, machine and command, as environment.json holds them."""
    return {
        "command": shlex.join(["archnet", *sys.argv[1:]])
        if Path(sys.argv[0]).name == "archnet"
        else shlex.join(sys.argv),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "platform": platform.platform(),
        "processor": _processor(),
        "num_cores": os.cpu_count(),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def reset_peak_memory() -> None:
    """Lets the peak count from now; where the system can't (it isn't Linux), it counts from the process's start."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return


def resident_memory_bytes() -> int | None:
    """The memory of this process that is in use now; null where the system doesn't tell (it isn't Linux)."""
    return _status_bytes("VmRSS")


def peak_memory_bytes() -> int | None:
    """The largest resident memory of this process since `reset_peak_memory`; null where the system doesn't tell."""
    peak = _status_bytes("VmHWM")
    if peak is not None:
        return peak
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _status_bytes(name: str) -> int | None:
    if not _STATUS.is_file():
        return None
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None
