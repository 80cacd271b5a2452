"""Fuzz a reader: mutants of a sound example are read, each within bounds of time and memory."""

import logging
import multiprocessing
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
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from archnet.errors import ArchnetError
from reader_kinds import KINDS, Kind

MAX_SECONDS = 10
MAX_BYTES = 1_500_000_000
"""By which the memory of the process may grow for a mutant."""

REFUSED, READ = "refused", "read"
"""What may become of a mutant; any other outcome is a fault."""


def fuzz(name: str, numbers: Iterable[int], seed: int, folder: Path) -> Iterator[str]:
    """Read mutants of a kind of file; yields what became of each.

    Args:
        name: One of `KINDS`.
        numbers: Of the mutants: one with the same seed and number is the same.
        seed: Of the mutants.
        folder: A folder to work in, which is emptied.
    """
    kind = KINDS[name]
    sound, copy = folder / "sound", folder / "mutant"
    with _working_in(copy):
        for path in (sound, copy):
            shutil.rmtree(path, ignore_errors=True)
        copy.mkdir()
        kind.write(copy)
        kind.read(copy)  # the example is sound
        shutil.copytree(copy, sound)
        for number in numbers:
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(sound, copy)
            changed = _mutate(random.Random(f"{seed} {name} {number}"), kind, copy)
            yield _read_mutant(kind, copy, f"{name} #{number} ({changed})")


def fuzz_apart(name: str, count: int, seed: int, folder: Path) -> list[str]:
    """What became of mutants that are read in a child process; if one crashes it, another child reads the rest."""
    outcomes, path = [], folder / "outcomes.txt"
    while len(outcomes) < count:
        path.write_text("")
        arguments = (name, range(len(outcomes), count), seed, folder, path)
        child = multiprocessing.get_context("fork").Process(target=_write_outcomes, args=arguments)
        child.start()
        child.join()
        outcomes += path.read_text(encoding="utf-8").splitlines()
        if child.exitcode == 1:
            raise RuntimeError(f"{name}: the sound example is not read")
        if child.exitcode:
            outcomes.append(f"{name} #{len(outcomes)}: the process ended with {child.exitcode}")
    return outcomes


def _write_outcomes(name: str, numbers: Iterable[int], seed: int, folder: Path, path: Path) -> None:
    with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
        for outcome in fuzz(name, numbers, seed, folder):
            print(" ".join(outcome.split()), file=file, flush=True)


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    """The store in the mutant's folder, and neither warnings nor log: a mutant may be read with one."""
    before = os.environ.get("ARCHNET_STORE")
    os.environ["ARCHNET_STORE"] = str(folder / "store")
    logging.disable()
    handler = signal.signal(signal.SIGALRM, _raise_timeout)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        signal.signal(signal.SIGALRM, handler)
        logging.disable(logging.NOTSET)
        os.environ.pop("ARCHNET_STORE")
        if before is not None:
            os.environ["ARCHNET_STORE"] = before


def _mutate(draw: random.Random, kind: Kind, folder: Path) -> str:
    """Change one file of an example; its name."""
    mutate, pattern = draw.choice([(mutate, pattern) for pattern, mutate in kind.mutators.items()])
    path = draw.choice(sorted(path for path in folder.glob(pattern) if path.is_file()))
    try:
        path.write_bytes(mutate(draw, path.read_bytes()))
    except (ValueError, KeyError, OverflowError, zlib.error):  # a change that cannot follow another
        path.write_bytes(path.read_bytes()[: draw.randrange(1, 50)])
    return path.name


def _read_mutant(kind: Kind, folder: Path, label: str) -> str:
    before, start, outcome = _peak_bytes(), time.perf_counter(), READ
    signal.alarm(MAX_SECONDS)
    try:
        kind.read(folder)
    except ArchnetError:
        outcome = REFUSED
    except Exception as error:
        place = Path(traceback.extract_tb(error.__traceback__)[-1].filename).name
        return f"{label}: {type(error).__name__} in {place}: {str(error)[:100]}"
    finally:
        signal.alarm(0)
    if time.perf_counter() - start > MAX_SECONDS or _peak_bytes() - before > MAX_BYTES:
        return f"{label}: more than {MAX_SECONDS} s or {MAX_BYTES:,} bytes"
    return outcome


def _raise_timeout(number: int, frame: object) -> None:
    raise TimeoutError(f"more than {MAX_SECONDS} s")


def _peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
