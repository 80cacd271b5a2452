import re

import pytest

from archnet.versus.report.answer_drawing import answer_drawing, answer_measure
from archnet.versus.results.versus_result import read_result
from versus_folders import make_plan, write_versus

SKILLS = {"net": 1.0, "net_25d": 2.0, "net_3d": 3.5, "net_25d_macs": 2.0, "net_3d_macs": 3.0}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answers")
    plan = make_plan(folder, seeds=2, matches=("none", "macs"))
    return read_result(plan, write_versus(folder / "out", plan, SKILLS, failed=("net_25d_macs", "net_25d_macs-seed1")))


@pytest.mark.slow
def test_the_text_of_the_answers_has_the_difference_of_each_form_in_each_question(result):
    drawing = answer_drawing(result.answered, result.plan.options.forms)
    numbers = []
    for question in result.answered:
        numbers += [entry.difference for entry in question.result.conclusions]
    texts = [f"{number:+.3f}".replace("-", "−") for number in numbers]
    pattern = (
        f"Differences from 2D with 95% intervals. at the same widths: 2.5D {texts[0]} (A); 3D {texts[1]} (A). at the same "
        f"cost: 2.5D undefined; 3D {texts[2]} (A)."
    )
    assert re.fullmatch(re.escape(pattern).replace(r"\(A\)", r"\([^)]*\)"), drawing.alt)
    assert answer_measure(result.answered[0]) == "recall at equal false-positive rate in validation"


@pytest.mark.slow
def test_without_questions_there_is_no_drawing(result):
    assert answer_drawing([], result.plan.options.forms) is None
