import re
from types import SimpleNamespace

import pytest

from archnet.report.wording import signed, signed_bounds
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


AT_VALIDATION, AT_OWN = "recall_at_validation_false_positive_rate", "recall"


def question(match, forms, measure=AT_VALIDATION):
    """A question whose forms differ from the first one by 0.1."""
    conclusions = [SimpleNamespace(difference=0.1, interval=[-0.05, 0.25], measure=measure) for _ in forms[1:]]
    main = conclusions[0] if conclusions else SimpleNamespace(measure=measure)
    verdict = SimpleNamespace(num_classes=2, main_conclusion=main, conclusions=conclusions)
    return SimpleNamespace(match=match, result=verdict, variants=[SimpleNamespace(form=form) for form in forms])


@pytest.mark.parametrize(("questions", "alt"), [
    ([question("none", ["2d", "3d"])], "Differences from 2D with 95% intervals. at the same widths: 3D (A)."),
    (
        [question("none", ["2.5d", "3d"]), question("macs", ["2.5d", "3d"])],
        "Differences from 2.5D with 95% intervals. at the same widths: 3D (A). at the same cost: 3D (A).",
    ),
    ([question("none", ["2d", "3d"]), question("macs", ["2d", "3d"], AT_OWN)], None),
    ([question("none", ["2d", "3d"]), question("macs", ["2.5d", "3d"])], None),
    ([question("none", ["2d"])], None),
    ([], None),
])  # fmt: skip
def test_answers_are_drawn_if_they_have_one_measure_and_one_reference(questions, alt):
    drawing = answer_drawing(questions, ("2d", "2.5d", "3d"))
    entry = f"{signed(0.1)} ({signed_bounds([-0.05, 0.25])})"
    assert (drawing and drawing.alt) == (alt and alt.replace("(A)", entry))


@pytest.mark.slow
def test_without_questions_there_is_no_drawing(result):
    assert answer_drawing([], result.plan.options.forms) is None
