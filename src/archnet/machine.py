"""The machine on which a run is executed: what is needed to reproduce the run, and memory."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
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
_MEMINFO: Final = Path("/proc/meminfo")
_GROUPS: Final = Path("/proc/self/cgroup")
_GROUP_ROOT: Final = Path("/sys/fs/cgroup")
_CLEAR: Final = Path("/proc/self/clear_refs")
_GIT_SECONDS: Final = 5


def environment() -> dict[str, Any]:
    """Return the time, versions, machine and command for environment.json."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command_line(),
        "git": git_state(Path.cwd()),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := package_version(name))},
        "platform": platform.platform(),
        "processor": _processor(),
        "num_cores": os.cpu_count(),
        "num_usable_cores": usable_cores(),
    }


def usable_cores() -> int:
    """Number of cores that this process can use, at least 1.

    The cores of the machine are limited by the affinity of the process and by the quota of its control group (the limit
    of a container), of which whole cores count.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(int(min([cores, *_group_cores()])), 1)


def git_state(folder: Path) -> dict[str, Any] | None:
    """The git commit that a folder has checked out, and whether tracked files differ from it.

    Returns:
        `commit` and `has_uncommitted_changes`; None without git or outside a repository with a commit.
    """
    commit = _git_output(folder, "rev-parse", "--verify", "HEAD")
    changes = _git_output(folder, "status", "--porcelain", "--untracked-files=no")
    if not commit or changes is None:
        return None
    return {"commit": commit, "has_uncommitted_changes": bool(changes)}


def _git_output(folder: Path, *arguments: str) -> str | None:
    """Return the output of git; None if git fails or takes too long."""
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_GIT_SECONDS, encoding="utf-8", check=True
        )
    except (OSError, UnicodeDecodeError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def command_line() -> str:
    """The command that started this process."""
    return shlex.join(["archnet", *sys.argv[1:]]) if _is_command_line() else shlex.join(sys.argv)


def _is_command_line() -> bool:
    """Whether this process is `archnet` or `python -m archnet`."""
    program = Path(sys.argv[0])
    return program.stem == "archnet" or program.parts[-2:] == ("archnet", "__main__.py")


def package_version(package: str) -> str | None:
    """The installed version of a package; None if it is not installed."""
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
    """Restart the measurement of the peak, which only Linux supports."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return


def resident_memory_bytes() -> int | None:
    """Current resident memory of this process; None if the system does not report it (not Linux)."""
    return _status_bytes("VmRSS")


def peak_memory_bytes() -> int | None:
    """Peak resident memory of this process since `reset_peak_memory`; None if the system does not report it."""
    peak = _status_bytes("VmHWM")
    if peak is not None:
        return peak
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def free_memory_bytes() -> int | None:
    """Memory that this process can use in total, its own included; None if the system does not report it.

    The free memory is limited by the machine and by the control group of the process (the limit of a container).
    """
    resident, available = resident_memory_bytes(), _read_bytes(_MEMINFO, "MemAvailable")
    if resident is None or available is None:
        return None
    return resident + max(min([available, *_group_free_bytes()]), 0)


def _group_cores() -> Iterator[float]:
    """The CPU quotas of this process's control groups, in cores."""
    for folder, is_version_2 in _group_folders("cpu"):
        names = ("cpu.max",) if is_version_2 else ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        try:
            quota, period = " ".join((folder / name).read_text() for name in names).split()
        except (OSError, ValueError):
            continue
        if quota not in ("max", "-1"):  # of version 2 and 1: no quota
            yield int(quota) / int(period)


def _group_free_bytes() -> Iterator[int]:
    """Bytes left within the limits of this process's control groups; cached files count as free."""
    for folder, is_version_2 in _group_folders("memory"):
        names = ("max", "current") if is_version_2 else ("limit_in_bytes", "usage_in_bytes")
        free_bytes = _free_group_bytes(folder, *names)
        if free_bytes is not None:
            yield free_bytes


def _group_folders(controller: str) -> Iterator[tuple[Path, bool]]:
    """The folders of this process's control groups for a controller, and whether they are of version 2, not 1."""
    for line in _GROUPS.read_text().splitlines() if _GROUPS.is_file() else ():
        _, controllers, path = line.split(":", 2)
        is_version_2 = not controllers
        if is_version_2 or controller in controllers.split(","):
            root = _GROUP_ROOT if is_version_2 else _GROUP_ROOT / controller
            group = root / path.lstrip("/")
            yield from ((folder, is_version_2) for folder in (group, *group.parents) if folder.is_relative_to(root))


def _free_group_bytes(folder: Path, limit_name: str, usage_name: str) -> int | None:
    try:
        limit = (folder / f"memory.{limit_name}").read_text().strip()
        usage = int((folder / f"memory.{usage_name}").read_text())
        cached = [line.split() for line in (folder / "memory.stat").read_text().splitlines()]
    except (OSError, ValueError):
        return None
    files = {name: int(size) for name, size in cached if name in ("inactive_file", "total_inactive_file")}
    return None if limit == "max" else int(limit) - usage + max(files.values(), default=0)


def _status_bytes(name: str) -> int | None:
    return _read_bytes(_STATUS, name)


def _read_bytes(path: Path, name: str) -> int | None:
    """Read a number of kB from one of the tables in /proc."""
    if not path.is_file():
        return None
    for line in path.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None
