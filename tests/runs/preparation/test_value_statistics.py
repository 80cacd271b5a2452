"""The values of each class: percentiles, clipped shares and histograms of an even sample."""

from itertools import pairwise

import numpy as np
import pytest

from archnet.data.dataset import Cases
from archnet.runs.preparation.prepared_data import PreparedData
from archnet.runs.preparation.value_statistics import measure_values
from archnet.spec.view import InputLimits

PERCENTS = [0, 1, 50, 99, 100]


def measured(values, labels, low=0, high=1, classes=("no", "yes", "absent"), limits=None):
    names = np.arange(len(labels)).astype(np.str_)
    data = PreparedData(
        cases=Cases(ids=names, groups=names, labels=np.array(labels), classes=classes),
        sets=np.full(len(labels), "train"),
        values=values,
        rows=np.arange(len(labels)),
        limits=limits or InputLimits.of(low, high),
    )
    return measure_values(data)


@pytest.mark.parametrize(
    ("limits", "ends"),
    [((100, 400), (0.999, 1048.001)), ((-100, 5000), (-100, 5000))],  # the 0.1st and 99.9th percentiles, or the limits
)
def test_the_bins_cover_the_limits_and_all_but_the_outermost_values_which_count_in_the_outer_bins(limits, ends):
    numbers = np.arange(1000)
    statistics = measured(np.stack([numbers, numbers + 50]).reshape(2, 20, 50), [0, 1], *limits)
    (first, second), edges = statistics.classes, statistics.edges
    assert edges == pytest.approx(np.linspace(*ends, 81), abs=1e-6)
    for part, own in ((first, numbers), (second, numbers + 50)):
        inner = [np.mean((own >= low) & (own < high)) for low, high in pairwise(edges[1:-1])]
        expected = [np.mean(own < edges[1]), *inner, np.mean(own >= edges[-2])]
        assert part.histogram == pytest.approx(expected)
        assert part.percentiles == pytest.approx(np.percentile(own, PERCENTS))
        assert (part.below, part.above) == (np.mean(own < limits[0]), np.mean(own > limits[1]))


def test_of_many_cases_128_are_sampled_from_the_first_to_the_last():
    values = np.concatenate([np.arange(300), np.arange(5)]).reshape(305, 1, 1)
    many, few = measured(values, [0] * 300 + [1] * 5).classes
    assert many.percentiles == pytest.approx(np.percentile(np.linspace(0, 299, 128).round(), PERCENTS))
    assert few.percentiles == pytest.approx(np.percentile(np.arange(5), PERCENTS))


@pytest.mark.parametrize(("shape", "step"), [((400, 500), 1), ((3, 66_667), 2), ((2, 100_001), 2)])
def test_of_more_than_200000_voxels_some_are_sampled_evenly(shape, step):
    voxels = np.arange(np.prod(shape)) % 2
    (only,) = measured(voxels.reshape(1, *shape), [0], classes=("only", "absent")).classes
    assert only.percentiles == pytest.approx(np.percentile(voxels[::step], PERCENTS))


def test_shares_are_written_with_six_decimals():
    document = measured(np.arange(3).reshape(1, 1, 3), [0], 0.5, 10 / 3, classes=("only", "absent")).to_document()
    (only,) = document["classes"]
    assert (only["below"], only["above"], only["percentiles"][0]) == (0.333333, 0, 0)
    assert sorted(only["histogram"])[-3:] == [0.333333] * 3
    assert document["edges"][-1] == 3.333333


def test_of_several_channels_and_windows_the_first_is_measured():
    limits = InputLimits(windows=(((1, 2), (0, 9)), ((5, 6), (7, 8))))
    values = np.stack([np.arange(4), np.full(4, 7)], axis=-1).reshape(1, 2, 2, 2)
    (only,) = measured(values, [0], classes=("only", "absent"), limits=limits).classes
    assert (only.below, only.above, only.percentiles[-1]) == (0.25, 0.25, 3)
