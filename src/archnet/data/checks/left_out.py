"""Which files of a folder of scans are not used, counted by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from archnet.data.checks.findings import Finding, first_names
from archnet.errors import pluralize
from archnet.imaging import READERS

MAX_CASES: Final = 100
"""Cases that a finding names."""

_MAX_KINDS: Final = 8
_MASK_KINDS: Final = ("mask", "folder of masks")
_DICOM_ENDINGS: Final = (".dcm", ".dicom", ".ima", "file without an ending")


def find_left_out(left_out: Mapping[Path, str], root: Path) -> tuple[Finding, ...]:
    """A finding that counts what was left out; none if nothing was. Masks alone are a note.

    Args:
        left_out: Of a `ScanTree`: what was left out, with its kind.
        root: The folder below which it is named.
    """
    if not left_out:
        return ()
    kinds = set(left_out.values())
    return (
        Finding(
            check="left_out",
            severity="note" if kinds <= set(_MASK_KINDS) else "warning",
            message=f"Left out of {root}: {describe_left_out(left_out, root)}.",
            cases=tuple(_name(path, root) for path in left_out)[:MAX_CASES],
            remedy=_remedy(kinds),
        ),
    )


def describe_left_out(left_out: Mapping[Path, str], root: Path) -> str:
    """The number of files of each kind, the most frequent first, with the names of the first few.

    >>> describe_left_out({Path("CT-0/1.dcm"): ".dcm", Path("CT-0/2.dcm"): ".dcm", Path("CT-0/a.zip"): ".zip"}, Path())
    '2 .dcm (CT-0/1.dcm, CT-0/2.dcm), 1 .zip (CT-0/a.zip)'
    """
    names: dict[str, list[str]] = defaultdict(list)
    for path, kind in left_out.items():
        names[kind].append(_name(path, root))
    kinds = sorted(names, key=lambda kind: (-len(names[kind]), kind))
    texts = [f"{_count(len(names[kind]), kind)} ({first_names(names[kind])})" for kind in kinds[:_MAX_KINDS]]
    num_others = sum(len(names[kind]) for kind in kinds[_MAX_KINDS:])
    return ", ".join([*texts, *([f"{num_others:,} others"] if num_others else [])])


def _count(number: int, kind: str) -> str:
    """A number with a kind; file endings have no plural, and of words only the first is plural."""
    if kind.startswith("."):
        return f"{number:,} {kind}"
    noun, space, rest = kind.partition(" ")
    return f"{pluralize(number, noun)}{space}{rest}"


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _remedy(kinds: set[str]) -> str:
    """How to use the files that could hold a scan."""
    endings = {kind for kind in kinds if kind.startswith(".") and " " not in kind}
    sentences = []
    if kinds & set(_DICOM_ENDINGS):
        sentences.append("Move each series of DICOM images to its own folder.")
    if endings - set(_DICOM_ENDINGS) - set(READERS):
        sentences.append(f"Convert other files to a supported format ({', '.join(READERS)}, DICOM folders).")
    return " ".join(sentences)
