"""Tables and model card of a run."""

import base64
import csv
import io
import re

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

import archnet
from archnet.errors import RunError
from archnet.evaluation.integrity.manifest import read_manifest
from archnet.report.html.run_page import write_report
from archnet.report.paper.paper_tables import PaperTable, paper_tables
from archnet.report.paper.pdf_figures import parse_path, write_pdf_figures
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


SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="96" height="192"><g>{}</g></svg>'


def pdf_of(folder, elements):
    """The PDF file of a figure of 96 x 192 pixels, uncompressed; its page is 72 x 144 points from below."""
    (folder / "figures").mkdir(exist_ok=True)
    (folder / "figures/a.svg").write_text(SVG.format(elements), encoding="utf-8")
    with mpl.rc_context({"pdf.compression": 0}):
        (path,) = write_pdf_figures(folder)
    return path.read_bytes().decode("latin-1")


def page_lines(folder, elements):
    """The commands that draw the elements, without those of the white page."""
    text = pdf_of(folder, elements)
    assert "/MediaBox [ 0 0 72 144 ]" in text
    return text.partition("h\n\nf\n")[2].partition("endstream")[0].split("\n")


@pytest.mark.parametrize(("elements", "lines"), [
    ('<rect x="8" y="16" width="40" height="32" fill="#ff0000" stroke="#0000ff" stroke-width="4" '
     'stroke-dasharray="8 4"/>',
     ["q 0 0 72 144 re W n 1 0 0 rg 3 w [ 6 3 ] 0 d 0 0 1 RG 1 0 0 rg", "6 132 m", "36 132 l", "36 108 l", "6 108 l", "h",
      "", "B"]),
    ('<path d="M8 16h40V48" fill="none" stroke="#00ff00"/>',
     ["q 0 0 72 144 re W n 0.75 w 0 1 0 RG /DeviceRGB cs", "6 132 m", "36 132 l", "36 108 l", "", "S"]),
])  # fmt: skip
def test_shapes_keep_their_place_size_and_colours_in_a_pdf(tmp_path, elements, lines):
    assert page_lines(tmp_path, elements)[: len(lines)] == lines


def test_a_circle_in_a_pdf_is_filled_around_its_centre(tmp_path):
    lines = page_lines(tmp_path, '<circle cx="48" cy="96" r="8" fill-opacity="0.25"/>')
    assert "36 78 m" in lines
    assert {tuple(line.split()[4:6]) for line in lines if line.endswith(" c")} >= {
        ("42", "72"),
        ("36", "66"),
        ("30", "72"),
    }
    assert "f" in lines
    text = pdf_of(tmp_path, '<circle r="8" stroke="#000000" fill-opacity="0.25" stroke-opacity="0.5"/>')
    assert "/ca 0.25" in text
    assert "/CA 0.5" in text


def test_texts_are_turned_anchored_and_bold_in_a_pdf(tmp_path):
    plain = pdf_of(tmp_path, '<text x="48" y="96">o</text>')
    assert "1 0 -0 1 36 72 cm\nBT\n/F1 9 Tf" in plain
    assert "Bold" not in plain
    turned = pdf_of(tmp_path, '<text x="48" y="96" font-size="24" transform="rotate(-90 48 96)">o</text>')
    assert "0 1 -1 0 36 72 cm\nBT\n/F1 18 Tf" in turned
    ends = '<text x="48" y="96" font-weight="{}" text-anchor="{}" fill="#00ff00">o</text>'
    middle, end = (pdf_of(tmp_path, ends.format("600", anchor)) for anchor in ("middle", "end"))
    lefts = [float(re.search(r"1 0 -0 1 (\S+) 72 cm", text)[1]) for text in (middle, end)]
    assert 36 - lefts[1] == pytest.approx(2 * (36 - lefts[0]), abs=0.2)
    assert lefts[1] < lefts[0] < 36
    assert "Bold" in middle
    assert "0 1 0 rg" in middle


def test_an_image_keeps_its_place_size_and_grey_values_in_a_pdf(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(np.array([[64, 128], [128, 192]], np.uint8)).save(buffer, format="png")
    data = base64.b64encode(buffer.getvalue()).decode()
    image = f'<image x="8" y="16" width="40" height="32" xlink:href="data:image/png;base64,{data}"/>'
    text = pdf_of(tmp_path, '<rect width="1" height="1"/><rect width="2" height="2"/>' + image)
    assert "q 30 0 0 24 6 108 cm /I1 Do Q" in text
    assert text.index("1.5 142.5 l") < text.index("/I1 Do")
    *_, pixels = text.partition("/Subtype /Image")[2].partition("stream\n")
    values = np.frombuffer(pixels.partition("\nendstream")[0].encode("latin-1"), np.uint8)
    assert (values[0], values[-1]) == (64, 192)


def test_elements_cover_those_before_them_in_a_pdf(tmp_path):
    rect = '<rect width="8" height="8" fill="#ff0000"/>'
    lines = page_lines(tmp_path, '<text x="48" y="96" fill="#00ff00">o</text>' + rect)
    assert lines.index("BT") < next(k for k, line in enumerate(lines) if line.endswith("1 0 0 rg"))


def test_the_same_figure_gives_the_same_pdf(tmp_path):
    assert "/CreationDate" not in pdf_of(tmp_path, '<rect width="1" height="1"/>')


def test_an_unknown_element_of_a_figure_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"^unsupported figure element ellipse$"):
        pdf_of(tmp_path, '<ellipse cx="1" cy="1"/>')


def test_a_path_with_a_curve_is_not_a_path_of_lines():
    with pytest.raises(ValueError, match=r"^unsupported path command C$"):
        parse_path("M0 0C1 1 2 2 3 3")


def test_an_unknown_format_of_figures_is_an_error(tmp_path):
    message = '--figures: unknown figure format "png". Use svg or svg,pdf.'
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        archnet.write_report(tmp_path, figures=["svg", "png"])
