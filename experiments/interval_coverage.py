"""Measure the coverage of archnet's 95% intervals on simulated scores with known true values.

    python experiments/interval_coverage.py --name after            # all cells; continues where it was interrupted
    python experiments/interval_coverage.py --name after --quick    # takes a minute; stores nothing
    python experiments/interval_coverage.py --name versus --kind versus  # intervals of versus: 20 patients, 5 seeds
    python experiments/interval_coverage.py --table before after    # the Markdown table of stored files, before → after

A cell is a number of patients and of cases of each, the correlation between the scores of one patient, the prevalence,
and 1 or 3 trainings ("seeds") of a network. In each replication, random cases are drawn and evaluated by archnet, and
each interval contains the true value or not. 400 replications measure a coverage of 95% to within 2 points. The last
lines list the coverages outside 90 to 98.5% (differences: 99%) from 20 patients on, and the tests that reject in fewer
than 3% or more than 8% of the replications of equal networks.

Results are lines of experiments/results/coverage/NAME.jsonl, one per cell. To measure an older version of archnet, put
its `src` first in PYTHONPATH.
"""

import argparse
import json
import multiprocessing
import os
import zlib
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small matrices: one thread is fastest

import numpy as np
from coverage_cells import MEASURES
from coverage_table import findings, table
from rich.progress import track

RESULTS = Path(__file__).parent / "results" / "coverage"
SETTINGS = ((7, 28), (20, 10), (40, 10), (100, 3), (300, 1))
CORRELATIONS = (0.0, 0.3, 0.7)
PREVALENCES = (0.5, 0.2)
SEED_DEVIATIONS = (0.03, 0.3)
"""Small and large standard deviations of the separation over the seeds of a versus: 0.006 and 0.06 in AUC."""


def all_cells(replications, bootstraps) -> list:
    """All cells in the order of the stored file; the expensive ones with several seeds come last."""
    places = [
        {"patients": patients, "cases": cases, "correlation": correlation, "prevalence": prevalence}
        for patients, cases in SETTINGS
        for correlation in (CORRELATIONS if cases > 1 else (0.0,))
        for prevalence in PREVALENCES
    ]
    place = {"cases": 1, "correlation": 0.0, "prevalence": 0.5, "seeds": 1}
    cells = [{"kind": kind, **place, "seeds": 1} for place in places for kind in ("run", "pair")]
    cells += [{"kind": "calibration", **place, "patients": count} for count in (67, 200, 1600)]
    cells += [{"kind": "froc", **place, "correlation": 0.3, "patients": count} for count in (20, 100, 888)]
    cells += [{"kind": "pair", **place, "seeds": 3} for place in places]
    return [cell | _effort(cell, replications, bootstraps) for cell in cells]


def versus_cells(replications, bootstraps) -> list:
    """The cells of a versus for `--kind versus`."""
    place = {"kind": "versus", "patients": 20, "cases": 10, "correlation": 0.3, "prevalence": 0.5, "seeds": 5}
    effort = {"replications": replications, "bootstraps": bootstraps}
    return [place | {"deviation": deviation} | effort for deviation in SEED_DEVIATIONS]


def _effort(cell, replications, bootstraps) -> dict:
    """Half as many replications and resamples for several seeds."""
    share = 1 if cell["seeds"] == 1 else 2
    return {"replications": replications // share, "bootstraps": bootstraps // share}


def _select(replications, bootstraps, kind) -> list:
    """The cells of a kind; None means all except those of a versus."""
    if kind == "versus":
        return versus_cells(replications, bootstraps)
    return [cell for cell in all_cells(replications, bootstraps) if kind in (None, cell["kind"])]


def measure_cell(cell) -> dict:
    """The cell with coverage, mean, truth and undefined share of each number, and the share of p below 0.05."""
    measure, true_values = MEASURES[cell["kind"]]
    truth = true_values(cell)
    place = {key: value for key, value in cell.items() if key not in ("replications", "bootstraps")}
    seed = zlib.crc32(json.dumps(place, sort_keys=True).encode())
    results = [measure(cell, cell["bootstraps"], np.random.default_rng([seed, k])) for k in range(cell["replications"])]
    names = dict.fromkeys(name for result in results for name in result["estimates"])
    numbers = {
        name: _summary([result["estimates"].get(name, (None, None)) for result in results], truth.get(name))
        for name in names
    }
    tests = results[0].get("p_values", {})
    rejections = {
        name: float(np.mean([_is_rejection(result["p_values"][name]) for result in results])) for name in tests
    }
    return {**cell, "numbers": numbers, "rejections": rejections}


def _is_rejection(p) -> bool:
    return p is not None and p < 0.05


def _summary(estimates, truth) -> dict:
    values = np.array([value for value, _ in estimates if value is not None], dtype=np.float64)
    ends = np.array([interval for _, interval in estimates if interval is not None]).reshape(-1, 2)
    summary = {"mean": round(float(values.mean()), 5) if len(values) else None, "truth": truth and round(truth, 5)}
    if len(ends) and truth is not None:
        is_covered = (ends[:, 0] <= truth + 1e-9) & (truth - 1e-9 <= ends[:, 1])
        summary["coverage"] = round(float(is_covered.mean()), 4)
        summary["width"] = round(float((ends[:, 1] - ends[:, 0]).mean()), 5)
    return summary | {"without_interval": round(1 - len(ends) / len(estimates), 4)}


def read_cells(path) -> list:
    """The stored cells, without an incomplete last line."""
    lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _is_done(cell, kept) -> bool:
    return any(cell.items() <= line.items() for line in kept)


def run_cells(cells, path, jobs) -> None:
    """Measure the missing cells, and append them."""
    kept = read_cells(path)
    missing = [cell for cell in cells if not _is_done(cell, kept)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with multiprocessing.Pool(jobs) as pool, path.open("w") as file:
        file.writelines(map(_line, kept))
        for cell in track(pool.imap(measure_cell, missing), "cells", total=len(missing)):
            file.write(_line(cell))
            file.flush()


def _line(cell) -> str:
    return json.dumps(cell) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="after", help="name of the stored file, without .jsonl (default: after)")
    parser.add_argument(
        "--replications",
        type=int,
        default=400,
        help="replications of each cell, half as many with 3 seeds (default: 400)",
    )
    parser.add_argument("--bootstraps", type=int, default=400, help="resamples in each replication, "
                        "half as many with 3 seeds (default: 400; archnet's own default is 1000)")  # fmt: skip
    parser.add_argument("--kind", choices=list(MEASURES), help="measure the cells of this kind only (default: all)")
    parser.add_argument(
        "--folder", type=Path, default=RESULTS, help="folder of the stored files (default: results/coverage)"
    )
    parser.add_argument("--jobs", type=int, default=1, help="number of processes (default: 1)")
    parser.add_argument(
        "--quick", action="store_true", help="print 40 replications of 100 resamples, and store nothing"
    )
    parser.add_argument(
        "--table", nargs="+", metavar="NAME", help="print the table of stored files, and measure nothing"
    )
    parser.add_argument("--by-correlation", action="store_true", help="use a column of the table for each correlation")
    arguments = parser.parse_args()
    names, folder = arguments.table or [arguments.name], arguments.folder
    if arguments.quick:
        lines = [measure_cell(cell) for cell in track(_select(40, 100, arguments.kind), "cells")]
        print(table({"quick": lines}, by_correlation=arguments.by_correlation), *findings(lines), sep="\n")
        return
    if not arguments.table:
        cells = _select(arguments.replications, arguments.bootstraps, arguments.kind)
        run_cells(cells, folder / f"{arguments.name}.jsonl", arguments.jobs)
    kept = {name: read_cells(folder / f"{name}.jsonl") for name in names}
    print(table(kept, by_correlation=arguments.by_correlation), *findings(kept[names[-1]]), sep="\n")


if __name__ == "__main__":
    main()
