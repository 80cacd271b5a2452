"""Reports that are written again: the repair of a run next to others, and what is logged."""

import json
import re

import pytest

from archnet.errors import RunError
from archnet.runs.rereport import ReportOptions, regenerate_reports
from synthetic_runs import write_run


def test_a_repair_and_accepted_edits_exclude_each_other():
    message = "--repair and --accept-edits: choose one. A repair discards edits."
    with pytest.raises(RunError, match=f"^{re.escape(message)}$"):
        ReportOptions(repair=True, accept_edits=True)
    assert ReportOptions(repair=True).repair
    assert ReportOptions(accept_edits=True, checklists=("claim",)).accept_edits
    with pytest.raises(RunError, match="claimm"):
        ReportOptions(checklists=("claim", "claimm"))


@pytest.mark.slow
def test_a_damaged_gallery_of_another_run_costs_only_its_heat_maps(tmp_path, caplog):
    for name in ("a", "b"):
        write_run(tmp_path / name)
    (tmp_path / "b/gallery.npz").write_bytes(b"damaged")
    document = json.loads((tmp_path / "a/experiment.json").read_text())
    del document["arch"]
    (tmp_path / "experiment.json").write_text(json.dumps(document))
    pages = regenerate_reports([tmp_path / "a"], ReportOptions(repair=True))
    assert pages == [tmp_path / "a/report.html"]
    (warning,) = [text for text in caplog.messages if "heat maps" in text]
    start = f"{tmp_path}: heat maps of the errors of the other runs are not added: {tmp_path / 'b/gallery.npz'}: "
    assert warning.startswith(start)
