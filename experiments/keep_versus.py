"""Keep the result of an `archnet versus`, and print the table of all kept results.

Copies versus.json and the page into experiments/results/versus/NAME, with the command, the device and the versions in
command.json. Without arguments, prints the table: a row for each question of each kept result.
"""

import argparse
import json
import re
import shutil
from pathlib import Path

from archnet.files.atomic import write_json

RESULTS = Path(__file__).parent / "results/versus"
HEADER = (
    "| data | network, result | same | AUC 2D | 2.5D − 2D (95% CI) | 3D − 2D (95% CI) | 2.5D | 3D |",
    "|---|---|---|---|---|---|---|---|",
)
LINK_TO_RUNS = re.compile(r'<a href="(?:same-|trials/)[^"]*">(.*?)</a>', re.DOTALL)
"""Links of a page to comparisons and runs, which are not kept."""

QUESTIONS = {"none": "widths", "macs": "cost", "parameters": "weights"}


def main() -> None:
    """Keep one result, or print the table."""
    options = _options()
    if options.folder is not None:
        keep(options.folder, options.name, options.command)
    print("\n".join([*HEADER, *(row for path in sorted(RESULTS.glob("*/versus.json")) for row in table_rows(path))]))


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", metavar="VERSUS", help="folder of a finished versus")
    parser.add_argument("--name", help="name of the kept result, such as lidc_res2d")
    parser.add_argument("--command", help="the command that made it")
    options = parser.parse_args()
    if (options.folder is None) != (options.name is None) or (options.folder is None) != (options.command is None):
        parser.error("VERSUS, --name and --command belong together")
    return options


def keep(folder: Path, name: str, command: str) -> None:
    """Copy the files of a finished versus."""
    target = RESULTS / name
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "versus.json", target / "versus.json")
    page = (folder / "report.html").read_text(encoding="utf-8")
    (target / "report.html").write_text(LINK_TO_RUNS.sub(r"\1", page), encoding="utf-8")
    environments = [json.loads(path.read_text()) for path in sorted(folder.glob("trials/*/*/environment.json"))]
    execution = environments[0]["execution"]
    write_json(
        target / "command.json",
        {
            "command": command,
            "backend": execution["backend"],
            "devices": execution["devices"],
            "processor": environments[0]["processor"],
            "packages": environments[0]["packages"],
            "runs": len(environments),
        },
    )


def table_rows(path: Path) -> list[str]:
    """The rows of a kept result, one for each question."""
    result, command = json.loads(path.read_text()), json.loads(path.with_name("command.json").read_text())
    data = path.parent.name.partition("_")[0].replace("-", " ")
    name = f"[{result['arch']}]({path.parent.relative_to(Path(__file__).parent)}/report.html)"
    forms = {variant["name"]: variant["form"] for variant in result["variants"]}
    device = "GPU" if "GPU" in command["devices"][0] else "CPU"
    collapses = {variant["name"]: _collapses(variant, result["cautions"]) for variant in result["variants"]}
    return [_row(f"{data}, {device}", name, question, forms, collapses) for question in result["questions"]]


def _collapses(variant: dict, cautions: list[str]) -> str:
    """How many seeds of a network collapsed, as an addition to its outcome."""
    number = sum(text.startswith(f"{variant['name']} (") and "Collapsed" in text for text in cautions)
    return f"; {number} of {len(variant['seeds'])} seeds collapsed" if number else ""


def _row(data: str, name: str, question: dict, forms: dict, collapses: dict) -> str:
    pairs = {forms[pair["other"]]: pair["differences"]["auc"] for pair in question["paired"]}
    conclusions = question["verdict"]["conclusions"]
    verdicts = {forms[item["other"]]: OUTCOMES[item["kind"]] + collapses[item["other"]] for item in conclusions}
    cells = [f"{next(iter(pairs.values()))['reference']:.3f}"]
    for form in ("2.5D", "3D"):
        cells.append(_difference(pairs[form]) if form in pairs else "–")
    cells += [verdicts.get(form, "–") for form in ("2.5D", "3D")]
    return f"| {data} | {name} | {QUESTIONS[question['match']]} | {' | '.join(cells)} |"


def _difference(auc: dict) -> str:
    low, high = auc["interval"]
    return f"{auc['difference']:+.3f} ({low:+.3f} to {high:+.3f})".replace("-", "−")


OUTCOMES = {
    "other_better": "won",
    "reference_better": "lost",
    "not_worse": "not worse by more than the margin",
    "no_difference_shown": "not shown to differ",
    "neither_better_than_chance": "neither better than chance",
    "not_comparable": "not comparable",
}
"""What a form came to against 2D by the verdict: recall at the false-positive rate that both have in validation."""


if __name__ == "__main__":
    main()
