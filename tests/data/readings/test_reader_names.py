"""Names of readers, from the names of nodules."""

import pytest

from archnet.data.readings.reader_names import reader_name


@pytest.mark.parametrize("nodule", ["", "x", "1" * 500_000 + "x", "1" * 500_000])
def test_a_name_that_identifies_no_reader_gives_each_annotation_its_own_at_once(nodule):
    assert reader_name(nodule, 8) == "annotation 8"
