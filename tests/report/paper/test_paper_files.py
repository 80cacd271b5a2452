"""Tables and model card of a run."""

import csv
import re

import pytest

import archnet
from archnet.errors import RunError
from archnet.evaluation.integrity.manifest import read_manifest
from archnet.report.html.run_page import write_report
from archnet.report.paper.paper_tables import PaperTable, paper_tables
from archnet.report.paper.pdf_figures import parse_path
from archnet.report.paper.run_card import run_card
from archnet.report.run_files import read_run
from synthetic_runs import write_run


@pytest.mark.slow
def test_tables_are_written_as_csv_and_latex(tmp_path):
    folder = write_run(tmp_path / "archsm")
    write_report(read_run(folder))
    names = {path.name for path in (folder / "tables").iterdir()}
    stems = ("metrics", "confusion_matrix", "operating_points", "sets")
    assert names == {f"{stem}.{suffix}" for stem in stems for suffix in ("csv", "tex")}
    metrics = read_run(folder).metrics["test"]
    with (folder / "tables/metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = {row[0]: row[1:] for row in csv.reader(file)}
    low, high = metrics["intervals"]["auc"]
    assert rows["Measure (95% CI)"] == ["test", "validation", "training"]
    assert rows["AUC"][0] == f"{metrics['auc']:.3f} ({low:.3f} to {high:.3f})"


def test_latex_has_the_rules_of_booktabs_and_escaped_names():
    table = PaperTable(header=("a_b", "50%"), rows=(("x & y", "1"),))
    assert table.to_latex() == (
        "\\begin{tabular}{lc}\n\\toprule\na\\_b & 50\\% \\\\\n\\midrule\nx \\& y & 1 \\\\\n\\bottomrule\n\\end{tabular}\n"
    )


def test_three_classes_have_macro_means_and_no_operating_points(tmp_path):
    tables = paper_tables(read_run(write_run(tmp_path / "a", classes=("a", "b", "c"))))
    assert "operating_points" not in tables
    assert "macro AUC" in {row[0] for row in tables["metrics"].rows}
    assert tables["confusion_matrix"].header == ("True class", "predicted a", "predicted b", "predicted c")


@pytest.mark.slow
def test_a_run_folder_has_a_model_card_with_use_licence_results_and_limits(tmp_path):
    folder = write_run(tmp_path / "archsm")
    write_report(read_run(folder))
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    assert card == run_card(read_run(folder))
    assert re.findall(r"^## (.*)$", card, re.MULTILINE) == [
        "Intended use", "Input and output", "Data", "Results", "Network", "Training", "Limitations", "Provenance",
    ]  # fmt: skip
    assert "Licence of the data: LUNA16: CC BY 4.0; its scans, LIDC-IDRI: CC BY 3.0." in card
    metrics = read_run(folder).metrics["test"]
    low, high = metrics["intervals"]["auc"]
    assert f"| AUC (ROC) | {metrics['auc']:.3f} | {low:.3f} to {high:.3f} |" in card
    assert "**Not for clinical use.**" in card


@pytest.mark.slow
def test_every_figure_is_written_as_pdf_on_demand_and_removed_without(tmp_path):
    folder = write_run(tmp_path / "archsm", depth=10)
    archnet.write_report(folder, figures=["svg", "pdf"])
    svg, pdf = ({path.stem for path in (folder / "figures").glob(f"*.{suffix}")} for suffix in ("svg", "pdf"))
    assert svg == pdf >= {"flow", "roc", "samples", "training_curves", "confusion_matrix_test", "calibration"}
    content = (folder / "figures/flow.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert b"/Subtype /Image" not in content
    assert "figures/flow.pdf" in read_manifest(folder).files
    archnet.write_report(folder)
    assert not list((folder / "figures").glob("*.pdf"))
    assert "figures/flow.pdf" not in read_manifest(folder).files


def test_a_path_with_a_curve_is_not_a_path_of_lines():
    with pytest.raises(ValueError, match=r"^unsupported path command C$"):
        parse_path("M0 0C1 1 2 2 3 3")


def test_an_unknown_format_of_figures_is_an_error(tmp_path):
    message = '--figures: unknown figure format "png". Use svg or svg,pdf.'
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        archnet.write_report(tmp_path, figures=["svg", "png"])
