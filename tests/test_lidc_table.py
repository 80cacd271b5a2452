"""The table of LIDC-IDRI's readings, on a synthetic list with known numbers."""

import sys

from experiment_scripts import load_script
from marked_scans import NODULES, world_point, write_marked_folder


def test_the_table_counts_readers_and_classes_and_finds_the_nodules_of_crops(tmp_path, monkeypatch, capsys):
    root = tmp_path / "lists"
    path = write_marked_folder(root)
    (root / "seriesuids.csv").write_text("1.1\n1.2\n1.3\n")
    first, _, third = (world_point(*place) for place in NODULES)
    rows = [("1.1", first, 0), ("1.2", third, 1), ("1.3", (first[0] + 9, *first[1:]), 2), ("9.9", first, 2)]
    crops = tmp_path / "crops.csv"
    crops.write_text(
        "seriesuid,coord_x,coord_y,coord_z,class\n"
        + "".join(f"{uid},{x},{y},{z},{label}\n" for uid, (x, y, z), label in rows)
    )
    monkeypatch.setattr(sys, "argv", ["lidc_table", str(root), "--crops", str(crops), "--readings", str(path)])
    load_script("lidc_table").main()
    assert capsys.readouterr().out.splitlines() == [
        "3 scans of 2 patients, 9 nodules; benign or malignant: 6 nodules of 2 patients",
        "",
        "| nodules | benign (mean below 3) | undecided (3) | malignant (above 3) | all |",
        "|---|---|---|---|---|",
        "| 3 readers | 3 | 3 | 0 | 6 |",
        "| 4 readers | 0 | 0 | 3 | 3 |",
        "| all | 3 | 3 | 3 | 9 |",
        "",
        "| crop | class in the file | mm to the centre | malignancy ratings | label |",
        "|---|---|---|---|---|",
        "| 1.1 at 10.0, 0.0, -40.0 | 0 | 0.00 | 4, 5, 4, 3 (mean 4.00) | malignant |",
        "| 1.2 at -5.0, 30.0, -30.0 | 1 | 0.00 | 3, 3, 3 (mean 3.00) | undecided |",
        "| 1.3 at 19.0, 0.0, -40.0 | 2 |  |  | no nodule |",
        "| 9.9 at 10.0, 0.0, -40.0 | 2 |  |  | no nodule |",
    ]
