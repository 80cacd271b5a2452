"""Mutants of the shipped documents end in a `DocumentError` or are valid, however they are read."""

import pytest

from document_mutants import DOCUMENTS, count_outcomes


def test_the_shipped_documents_are_mutated():
    assert {"archsm.json", "vit_3d.json", "luna16_seed_protocol.json", "sweep_width.json"} <= {
        path.name for path in DOCUMENTS
    }


@pytest.mark.slow
def test_mutants_are_refused_or_valid():
    counts = count_outcomes(100, seed=17)
    assert counts.total() == 300
    assert counts["refused"] > 200
    assert counts["valid"] > 0


@pytest.mark.long
def test_more_mutants_are_refused_or_valid():
    assert count_outcomes(1_000, seed=18).total() == 3_000
