import re

import pytest

from archnet.errors import DocumentError
from archnet.versus.plan.form_names import parse_forms, parse_matches


def test_forms_and_matches_are_put_in_the_order_of_their_comparisons():
    assert parse_forms("3D, 2d") == ("2d", "3d")
    assert parse_matches("parameters,none") == ("none", "parameters")


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_forms, "2d,4d", '--forms 2d,4d: unknown name "4d". Known: 2d, 2.5d, 3d.'),
        (parse_forms, "2d,2d", "--forms 2d,2d: a comparison needs two forms or more. Add another form, such as 2d,3d."),
        (parse_matches, "mac", '--match mac: unknown name "mac". Did you mean "macs"? Known: none, macs, parameters.'),
    ],
)
def test_unknown_names_and_single_forms_are_refused(parse, text, message):
    with pytest.raises(DocumentError, match=f"^{re.escape(message)}$"):
        parse(text)
