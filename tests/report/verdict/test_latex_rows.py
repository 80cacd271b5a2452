import shutil
import subprocess

import pytest

from archnet.report.verdict.latex_rows import latex_rows
from verdicts import conclusion, side, verdict_of


def test_the_table_has_a_row_for_each_network_with_the_difference_to_the_reference():
    sides = (side("arch_sm", "2D"), side("arch3dsm", "3D", macs=41_200_000.0))
    assert latex_rows(verdict_of(conclusion(reference="arch_sm"), sides=sides)) == (
        "\\begin{tabular}{llccccc}\n"
        "\\toprule\n"
        "Network & Form & Recall (95\\% CI) & False positives & AUC (95\\% CI) & Mult-adds & Difference \\\\\n"
        "\\midrule\n"
        "arch\\_sm & 2D & 7.1\\% (1.5\\% to 19.5\\%) & 6 of 154 & 0.900 (0.850 to 0.940) & 1 k & reference \\\\\n"
        "arch3dsm & 3D & 97.6\\% (87.4\\% to 99.9\\%) & 5 of 154 & 0.900 (0.850 to 0.940) & 41.2 M & "
        "90.5\\% (83.3\\% to 95.2\\%) \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
    )


def test_without_counts_and_intervals_cells_are_empty():
    one = conclusion(operating_points=None, other_interval=None, interval=None)
    rows = latex_rows(verdict_of(one, sides=(side("archsm", None, auc_interval=None), side("arch3dsm", "3D"))))
    assert "archsm &  & 7.1\\% (1.5\\% to 19.5\\%) &  & 0.900 & 1 k & reference \\\\" in rows
    assert "arch3dsm & 3D & 97.6\\% &  & 0.900 (0.850 to 0.940) & 1 k & 90.5\\% \\\\" in rows


def test_networks_without_a_conclusion_have_their_areas_and_costs():
    rows = latex_rows(verdict_of(conclusions=(), main=None, num_classes=3)).splitlines()
    assert rows[2].startswith("Network & Form & Macro recall (95\\% CI) & ")
    assert rows[4:6] == [
        "archsm & 2D &  &  & 0.900 (0.850 to 0.940) & 1 k &  \\\\",
        "arch3dsm & 3D &  &  & 0.900 (0.850 to 0.940) & 8.24 k &  \\\\",
    ]


def test_the_reference_has_the_numbers_of_the_main_conclusion_and_others_their_own():
    sides = (side("archsm", "2D"), side("views", "2.5D"), side("arch3dsm", "3D"))
    result = verdict_of(conclusion("views", found=20, reference_found=5), conclusion(), sides=sides, main=1)
    rows = latex_rows(result).splitlines()
    assert [row.split(" & ")[2].split()[0] for row in rows[4:7]] == ["7.1\\%", "47.6\\%", "97.6\\%"]
    assert rows[5].endswith(" & 35.7\\% (83.3\\% to 95.2\\%) \\\\")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is missing")
def test_latex_sets_the_table(tmp_path):
    rows = latex_rows(verdict_of(sides=(side("a_b%c", "2D"), side("arch3dsm", "3D"))))
    text = f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}{rows}\\end{{document}}"
    (tmp_path / "a.tex").write_text(text, encoding="utf-8")
    subprocess.run(["pdflatex", "-halt-on-error", "a.tex"], cwd=tmp_path, check=True, capture_output=True)
