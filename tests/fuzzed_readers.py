"""Fuzz a reader: mutants of a sound example are read, each within bounds of time and memory, and what happened is counted."""

import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from archnet.errors import ArchnetError
from reader_kinds import KINDS, Kind

MAX_SECONDS = 10
MAX_BYTES = 1_500_000_000
"""By which the memory of the process may grow for a mutant."""


@dataclass
class Tally:
    """What became of the mutants of a kind.

    Attributes:
        refused: Number of mutants that ended in an `ArchnetError`.
        read: Number of mutants that were read.
        faults: The end of any other, with the seed of the mutant.
        seconds: Time of all.
    """

    refused: int = 0
    read: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def mutants(self) -> int:
        """Number of mutants."""
        return self.refused + self.read + len(self.faults)


def fuzz_kind(name: str, count: int, seed: int, folder: Path) -> Tally:
    """Read mutants of a kind of file.

    Args:
        name: One of `KINDS`.
        count: Number of mutants.
        seed: Of the mutants: one with the same seed and number is the same.
        folder: An empty folder to work in.
    """
    kind, tally, start = KINDS[name], Tally(), time.perf_counter()
    with _working_in(folder):
        sound, copy = folder / "sound", folder / "mutant"
        copy.mkdir()
        kind.write(copy)
        kind.read(copy)  # the example is sound
        shutil.copytree(copy, sound)
        for number in range(count):
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(sound, copy)
            draw = random.Random(f"{seed} {name} {number}")
            label = _mutate(draw, kind, copy)
            _read_mutant(kind, copy, tally, f"{name} #{number} ({label})")
    tally.seconds = time.perf_counter() - start
    return tally


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    """The store in the mutant's folder, and no warnings: a mutant may be read with one."""
    before = os.environ.get("ARCHNET_STORE")
    os.environ["ARCHNET_STORE"] = str(folder / "mutant/store")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.environ.pop("ARCHNET_STORE")
        if before is not None:
            os.environ["ARCHNET_STORE"] = before


def _mutate(draw: random.Random, kind: Kind, folder: Path) -> str:
    """Change one file of an example; its name."""
    mutate, pattern = draw.choice([(mutate, pattern) for pattern, mutate in kind.mutators.items()])
    path = draw.choice(sorted(path for path in folder.glob(pattern) if path.is_file()))
    try:
        path.write_bytes(mutate(draw, path.read_bytes()))
    except (ValueError, KeyError, OverflowError, zlib.error):
        path.write_bytes(path.read_bytes()[: draw.randrange(1, 50)])
    return path.name


def _read_mutant(kind: Kind, folder: Path, tally: Tally, label: str) -> None:
    before, start = _peak_bytes(), time.perf_counter()
    signal.alarm(MAX_SECONDS)
    try:
        kind.read(folder)
        tally.read += 1
    except ArchnetError:
        tally.refused += 1
    except (Exception, RecursionError) as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        tally.faults.append(f"{label}: {type(error).__name__}: {str(error)[:100]} ({Path(frame.filename).name})")
        return
    finally:
        signal.alarm(0)
    if time.perf_counter() - start > MAX_SECONDS or _peak_bytes() - before > MAX_BYTES:
        tally.faults.append(f"{label}: more than {MAX_SECONDS} s or {MAX_BYTES:,} bytes")


def _raise_timeout(number: int, frame: object) -> None:
    raise TimeoutError(f"more than {MAX_SECONDS} s")


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


signal.signal(signal.SIGALRM, _raise_timeout)
