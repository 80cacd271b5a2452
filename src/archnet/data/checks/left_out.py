"""Report the files in a folder of scans that are not used, by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from archnet.data.checks.findings import Finding, first_names
from archnet.errors import pluralize
from archnet.imaging import READERS

MAX_CASES: Final = 100
"""Maximum number of files in a finding."""

_MAX_KINDS: Final = 8
_MASK_KINDS: Final = ("mask", "folder of masks")
_DICOM_ENDINGS: Final = (".dcm", ".dicom", ".ima", "file without an extension")


def find_left_out(left_out: Mapping[Path, str], root: Path) -> tuple[Finding, ...]:
    """Create a finding that counts the unused files; none if there are no such files. Masks only give a note.

    Args:
        left_out: The field of `ScanTree`: unused files with their kinds.
        root: The folder to which the names are relative.
    """
    if not left_out:
        return ()
    kinds = set(left_out.values())
    return (
        Finding(
            check="left_out",
            severity="note" if kinds <= set(_MASK_KINDS) else "warning",
            message=f"Not used in {root}: {describe_left_out(left_out, root)}.",
            cases=tuple(_name(path, root) for path in left_out)[:MAX_CASES],
            remedy=_remedy(kinds),
        ),
    )


def describe_left_out(left_out: Mapping[Path, str], root: Path) -> str:
    """Describe the number of files of each kind, most frequent first, with the first names.

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
    """Format a number with a kind; extensions have no plural, and only the first of several words is plural."""
    if kind.startswith("."):
        return f"{number:,} {kind}"
    noun, space, rest = kind.partition(" ")
    return f"{pluralize(number, noun)}{space}{rest}"


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _remedy(kinds: set[str]) -> str:
    """Explain how to use the files that could contain a scan."""
    endings = {kind for kind in kinds if kind.startswith(".") and " " not in kind}
    sentences = []
    if kinds & set(_DICOM_ENDINGS):
        sentences.append("Move each series of DICOM images to its own folder.")
    if endings - set(_DICOM_ENDINGS) - set(READERS):
        sentences.append(f"Convert other files to a supported format ({', '.join(READERS)}, DICOM folders).")
    return " ".join(sentences)
