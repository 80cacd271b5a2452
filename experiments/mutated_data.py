"""Change readable data sets in one way each, and count how archnet handles them; none may be silently wrong.

    ARCHNET_REAL_DATA=../shared/data python experiments/mutated_data.py --json mutated_data.json

A mutant (`data_mutations.py`) is loaded as in a run. Its network input, from 0 to 1, is compared with that of the
unchanged data set, case by case:

- right: all cases are there, with their labels; over all voxels the correlation is at least 0.99 and the standard
  deviation differs by less than a factor of 2;
- partly: right for the available cases; the missing ones are counted in a finding;
- refused: an error stops it; its message is listed so that people can review the remedy;
- warned: not right, but a check warns (warnings about copies and the size of the sets do not count);
- WRONG: not right, and nothing is reported.

The exit code is 1 if anything is silently wrong or a mutant causes an error other than archnet's.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import traceback
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from data_mutations import (
    Mutant,
    array_mutants,
    candidate_points,
    flat_mutants,
    folder_mutants,
    outside_circle,
    own_sets,
    read_scans,
    tree_mutants,
    write_classes,
    write_tree,
)
from numpy.typing import NDArray
from rich.progress import track

import archnet
from archnet.errors import ArchnetError

Array = NDArray[Any]
MIN_CORRELATION = 0.99
MAX_DEVIATION_RATIO = 2.0
SETTINGS = {"split.by": "candidate", "split.test": 0.2, "split.validation": 0.2, "data.allow": ["near_duplicates"]}
"""Eight scans are made from two, so some are copies of each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The network input: cases by id, 0 to 1, and the class of each."""

    inputs: dict[str, Array]
    labels: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a mutant, and the messages of archnet."""

    kind: str
    name: str
    like: str
    outcome: str
    text: str


def load(section: dict[str, Any], settings: dict[str, Any]) -> tuple[Seen, Any]:
    """Load a data set as a run does."""
    data = archnet.load_data(section, settings=settings, progress=False)
    low, high = data.limits
    inputs = {
        case: np.clip((np.asarray(image, np.float64) - low) / (high - low), 0, 1)
        for case, image in zip(data.ids.tolist(), data.images, strict=True)
    }
    names = {case: data.classes[label] for case, label in zip(data.ids.tolist(), data.labels.tolist(), strict=True)}
    return Seen(inputs=inputs, labels=names), data


def case_key(case: str) -> str:
    """A case's name without the folders that a layout adds and without the line of a list.

    >>> case_key("a/case1/study/ct"), case_key("1.2.3#7"), case_key("12")
    ('a/case1', '1.2.3#7', '12')
    """
    return "/".join(case.split("/")[:2])


def judge(seen: Seen, expected: Seen, findings: Any) -> tuple[str, str]:
    """The outcome of a mutant that was loaded, and the words of its findings."""
    text = " | ".join(f"{one.severity} {one.check}: {one.text}" for one in findings)
    inputs = {case_key(case): image for case, image in seen.inputs.items()}
    wanted = {case_key(case): image for case, image in expected.inputs.items()}
    common = sorted(set(inputs) & set(wanted))
    is_partial = len(common) < len(wanted)
    is_right = (
        bool(common)
        and len(inputs) <= len(wanted)
        and _agree([inputs[case] for case in common], [wanted[case] for case in common])
        and _same_division(seen, expected)
    )
    if is_right and not is_partial:
        return "right", text
    if is_right and findings:
        return "partly", text
    warned = [one for one in findings if one.severity != "note" and one.check not in {"small_sets", "near_duplicates"}]
    return ("warned" if warned else "WRONG"), text


def _agree(found: list[Array], wanted: list[Array]) -> bool:
    if any(a.shape != b.shape for a, b in zip(found, wanted, strict=True)):
        return False
    a, b = (np.concatenate([one.ravel() for one in some]) for some in (found, wanted))
    ratio = a.std() / b.std()
    return bool(a.std() > 0 and np.corrcoef(a, b)[0, 1] >= MIN_CORRELATION and 0.5 <= ratio <= MAX_DEVIATION_RATIO)


def _same_division(seen: Seen, expected: Seen) -> bool:
    """Whether the partition of cases into classes is unchanged, regardless of the class names."""
    pairs = {(name, expected.labels[case]) for case, name in seen.labels.items() if case in expected.labels} or {
        (seen.labels[a], expected.labels[b]) for a in seen.labels for b in expected.labels if case_key(a) == case_key(b)
    }
    return len(pairs) == len({first for first, _ in pairs}) == len({second for _, second in pairs})


def take(mutant: Mutant, expected: Seen, folder: Path) -> Outcome:
    """Write a mutant, load it, and evaluate the outcome."""
    words = {"kind": mutant.kind, "name": mutant.name, "like": mutant.like}
    try:
        section = mutant.write(folder)
        seen, data = load(section, SETTINGS if mutant.kind != "sets" else {})
    except ArchnetError as error:
        return Outcome(**words, outcome="refused", text=str(error).replace(str(folder), "DIR"))
    except Exception:
        return Outcome(**words, outcome="WRONG", text=traceback.format_exc(limit=-3))
    outcome, text = judge(seen, expected, data.findings)
    return Outcome(**words, outcome=outcome, text=text.replace(str(folder), "DIR"))


def collect(real: Path) -> tuple[list[Mutant], dict[str, Seen]]:
    """All mutants, and the expected network input of each unchanged data set."""
    mutants: list[Mutant] = []
    expected: dict[str, Seen] = {}
    for like, file, count in (
        ("nodules", "lidc_nodule_vs_background_3d.npz", 120),
        ("slices", "luna16_candidates_2d.npz", 400),
    ):
        with np.load(real / file) as arrays:
            rows = np.linspace(0, len(arrays["x"]) - 1, count).round().astype(int)
            x, y, group = arrays["x"][rows], arrays["y"][rows].astype(np.int64), arrays["group"][rows]
        group = np.unique(group, return_inverse=True)[1]
        expected[like] = _seen_arrays(x, y)
        order = np.concatenate([np.flatnonzero(own_sets(group) == name) for name in ("train", "val", "test")])
        expected[f"{like}, set by set"] = _seen_arrays(x[order], y[order])
        mutants += array_mutants(like, x, y, group)
        if x.ndim == 4:
            flat = np.ascontiguousarray(x[..., 6:16])
            expected["flat nodules"] = _seen_arrays(flat, y)
            mutants += flat_mutants("flat nodules", flat, y, group)
    scans = read_scans(real / "ct")
    with tempfile.TemporaryDirectory() as folder:
        for like, value in (("folders", None), ("folders with air outside", -1000), ("folders with 0 outside", 0)):
            own = Path(folder, like)
            padded = [_padded(scan, value) for scan in scans]
            expected[like] = load(write_classes(own, padded), SETTINGS)[0]
        own = Path(folder, "tree")
        expected["candidates"] = load(write_tree(own, scans[:2], candidate_points(scans[:2])), SETTINGS)[0]
    mutants += folder_mutants(scans)
    mutants += tree_mutants(scans[:2])
    return mutants, expected


def _seen_arrays(x: Array, y: Array) -> Seen:
    return Seen(
        inputs={str(row): image / 255 for row, image in enumerate(x)},
        labels={str(row): str(label) for row, label in enumerate(y.tolist())},
    )


def _padded(scan: Any, value: int | None) -> Any:
    return scan if value is None else replace(scan, hu=outside_circle(scan.hu, value))


def main() -> int:
    """Count the outcomes and list what was not read correctly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all outcomes to this file")
    parser.add_argument("--only", metavar="TEXT", help="only mutants whose kind or name contains this")
    options = parser.parse_args()
    root = os.environ.get("ARCHNET_REAL_DATA")
    if not root:
        parser.error("set ARCHNET_REAL_DATA to the folder of the real data")
    with tempfile.TemporaryDirectory() as store:
        os.environ["ARCHNET_STORE"] = store
        mutants, expected = collect(Path(root))
        chosen = [one for one in mutants if not options.only or options.only in f"{one.kind}: {one.name}"]
        outcomes = []
        for mutant in track(chosen, "Loading mutants"):
            with tempfile.TemporaryDirectory() as folder:
                outcomes.append(take(mutant, expected[mutant.like], Path(folder)))
    for outcome in outcomes:
        if outcome.outcome != "right":
            print(f"{outcome.outcome}: {outcome.like}, {outcome.kind}, {outcome.name}\n    {outcome.text}\n")
    counts = Counter((one.kind, one.outcome) for one in outcomes)
    names = ("right", "partly", "refused", "warned", "WRONG")
    print(f"{'kind':14}" + "".join(f"{name:>9}" for name in names))
    for kind in dict.fromkeys(one.kind for one in outcomes):
        print(f"{kind:14}" + "".join(f"{counts[kind, name]:9}" for name in names))
    print(f"{len(outcomes):<14}" + "".join(f"{sum(one.outcome == name for one in outcomes):9}" for name in names))
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in outcomes], indent=1) + "\n", encoding="utf-8")
    return int(any(one.outcome == "WRONG" for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
