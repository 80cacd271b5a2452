"""history.csv of a run whose columns changed while it was interrupted."""

import math

from archnet.evaluation.run_folder import read_history
from archnet.runs.artifacts import write_history


def test_epochs_of_an_earlier_version_leave_the_macro_means_empty(tmp_path):
    old = {"epoch": 1, "seconds": 2.0, "validation_recall": 0.5}
    new = {"epoch": 2, "seconds": 2.0, "validation_macro_recall": 0.25, "validation_recall.a": 1.0}
    write_history(tmp_path / "history.csv", [old, new])
    assert (tmp_path / "history.csv").read_text() == (
        "epoch,seconds,validation_recall,validation_macro_recall,validation_recall.a\n1,2.0,0.5,,\n2,2.0,,0.25,1.0\n"
    )
    columns = read_history(tmp_path / "history.csv")
    assert columns["validation_macro_recall"][1] == 0.25
    assert math.isnan(columns["validation_macro_recall"][0])
