"""The table of `interval_coverage.py`, and the cells outside the intended range."""

LOWEST, HIGHEST, HIGHEST_DIFFERENCE, FEWEST_PATIENTS = 0.90, 0.985, 0.99, 20
LOWEST_VERSUS, HIGHEST_VERSUS = 0.91, 0.985
LOWEST_REJECTIONS, HIGHEST_REJECTIONS = 0.03, 0.08

COVERAGE = "coverage of 95% intervals, %"
DIFFERENCES = "coverage of 95% intervals of differences, %"
REJECTIONS = "tests of equal networks that reject at 5%, %"
BIASES = "bias of recall at an equal operating point"
CALIBRATION = "calibration error of a calibrated network"

_KINDS = {"equal": ", equal networks", "better": ", a better network", "row": ", row of several seeds"}


def table(kept, *, by_correlation=False) -> str:
    """Format as Markdown: a row for each number, a column for each number of patients x cases.

    Each entry is the range over prevalences and correlations; those of several files are joined by an arrow.

    Args:
        kept: Cells of each file.
        by_correlation: A column for each correlation.
    """
    columns, families = {}, {}
    for name, lines in kept.items():
        for line in lines:
            title = _title(line, by_correlation)
            columns[title] = (line["patients"], line["cases"] == 1, line["correlation"])
            for family, number, value in _values(line):
                cell = families.setdefault(family, {}).setdefault(number, {}).setdefault(title, {})
                cell.setdefault(name, []).append(value)
    titles = sorted(columns, key=columns.get)
    return "\n\n".join(_part(family, rows, titles, list(kept)) for family, rows in families.items())


def _part(family, rows, titles, names) -> str:
    used = [title for title in titles if any(title in cells for cells in rows.values())]
    head = [f"| {family} | {' | '.join(used)} |", f"|{'---|' * (len(used) + 1)}"]
    decimals = 0 if family.endswith("%") else 3
    body = [
        f"| {number} | {' | '.join(_cell(cells.get(title, {}), names, decimals) for title in used)} |"
        for number, cells in rows.items()
    ]
    return "\n".join(head + body)


def _cell(values, names, decimals) -> str:
    return " → ".join(_range(values[name], decimals) if name in values else "none" for name in names) if values else ""


def _range(values, decimals) -> str:
    low, high = (f"{end:.{decimals}f}" for end in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _title(line, by_correlation) -> str:
    if line["kind"] == "froc":
        return f"{line['patients']} scans"
    if line["kind"] == "calibration":
        return f"{line['patients']:,} cases"
    if line["kind"] == "versus":
        return f"{line['patients']} x {line['cases']}, seeds' SD {line['deviation']:g}"
    correlation = f", {line['correlation']:g}" if by_correlation and line["cases"] > 1 else ""
    return f"{line['patients']} x {line['cases']}{correlation}"


def _values(line) -> list:
    """Family, name and value of each result of a cell."""
    numbers = line["numbers"]
    if line["kind"] == "calibration":
        return [(CALIBRATION, _label(name), entry["mean"]) for name, entry in numbers.items()]
    seeds = f", {line['seeds']} seeds" if line["seeds"] > 1 else ""
    values = []
    for name, entry in numbers.items():
        family = DIFFERENCES if name.startswith(("equal.", "better.")) else COVERAGE
        if "coverage" in entry:
            values.append((family, _label(name) + seeds, 100 * entry["coverage"]))
        if "recall_at_equal" in name:
            values.append((BIASES, _label(name) + seeds, entry["mean"] - entry["truth"]))
    return values + [(REJECTIONS, _label(name) + seeds, 100 * share) for name, share in line["rejections"].items()]


def _label(name) -> str:
    kind, _, number = name.rpartition(".") if name.split(".")[0] in _KINDS else ("", "", name)
    return number.replace("_", " ") + _KINDS.get(kind, "")


def findings(lines, slack=0.0) -> list:
    """A line for each coverage or type I error out of range, from 20 patients on; CPM keeps the official rule.

    Args:
        lines: Cells.
        slack: Tolerance in standard errors of the replications.
    """
    return [
        text
        for text, share, (low, high), count in _promised_shares(lines)
        if not low - slack * _error(low, count) <= share <= high + slack * _error(high, count)
    ]


def count_promises(lines) -> int:
    """The number of coverages and type I errors with an intended range."""
    return len(_promised_shares(lines))


def _error(share, count) -> float:
    return (share * (1 - share) / count) ** 0.5


def _promised_shares(lines) -> list:
    """Text, share, range and number of replications of each coverage and type I error with an intended range."""
    shares = []
    for line in lines:
        if line["patients"] < FEWEST_PATIENTS or line["kind"] in ("froc", "calibration"):
            continue
        place, count = (
            f"{_title(line, True)}, prevalence {line['prevalence']}, seeds {line['seeds']}",
            line["replications"],
        )
        for name, entry in line["numbers"].items():
            if "coverage" in entry:
                highest = HIGHEST_DIFFERENCE if name.startswith(("equal.", "better.")) else HIGHEST
                ends = (LOWEST_VERSUS, HIGHEST_VERSUS) if line["kind"] == "versus" else (LOWEST, highest)
                text = (
                    f"{place}: {_label(name)} {entry['coverage']:.1%} (true {entry['truth']:.3f}, mean "
                    f"{entry['mean']:.3f}, width {entry['width']:.3f})"
                )
                shares.append((text, entry["coverage"], ends, count))
        for name, share in line["rejections"].items():
            text = f"{place}: type I error of {_label(name)} {share:.1%}"
            shares.append((text, share, (LOWEST_REJECTIONS, HIGHEST_REJECTIONS), count))
    return shares
