"""The FROC of a report is drawn from a curve whose columns belong together."""

import json
import re

import pytest

from archnet.errors import DataError
from archnet.evaluation.froc.curve import BAND_RATES
from archnet.report.html.froc_section import RunFroc, froc_section

CURVE = {
    "false_positives_per_scan": [0.0, 0.5, 4.0],
    "sensitivity": [0.0, 0.7, 1.0],
    "band": [[0.1, 0.9]] * len(BAND_RATES),
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"sensitivity": [0.0, 0.7]},
        {"false_positives_per_scan": [0.0, 4.0, 0.5]},
        {"band": [[0.1, 0.9]]},
    ],
)
def test_a_curve_whose_columns_do_not_belong_together_is_refused(tmp_path, change):
    path = tmp_path / "froc/curve.json"
    path.parent.mkdir()
    path.write_text(json.dumps({**CURVE, **change}))
    froc = RunFroc(name="net", folder=tmp_path, results={"cpm": 0.6})
    if not change:
        assert froc_section([froc])["rows"] == [{"name": "net", "hue": "", "cpm": 0.6}]
        return
    message = (
        f"{path}: its rates do not increase, or do not match its sensitivities and its band. "
        "Regenerate it with `archnet report`."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        froc_section([froc])
