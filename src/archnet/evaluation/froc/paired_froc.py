"""Paired FROC: the differences of two networks' CPM and sensitivities on the same scans, by a bootstrap of the scans.

Both networks are evaluated on the same resamples of scans, as for the interval of each (Setio et al. 2017,
doi:10.1016/j.media.2017.06.015). The interval of a difference is Student's, with the bootstrap's standard error, over
the scans that have nodules; several seeds add their variance (see `seed_variance`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from archnet.evaluation.froc.curve import RATES, bootstrap_sensitivities, froc_curve
from archnet.evaluation.froc.hits import Hits
from archnet.evaluation.uncertainty.holm import holm
from archnet.evaluation.uncertainty.ratio import Floats
from archnet.evaluation.uncertainty.seed_variance import (
    Estimates,
    difference_entry,
    mean_over_seeds,
    scale_covariance,
)


class NetworkHits(NamedTuple):
    """Hits of one network's trainings in the same scans.

    Attributes:
        of_all: Hits of each training.
        by_diameter: Hits of each training by stratum of nodule diameters; may be empty.
    """

    of_all: Sequence[Hits]
    by_diameter: Mapping[str, Sequence[Hits]]


class FrocSamples(NamedTuple):
    """The sensitivities at `RATES`, followed by the CPM, of one network's S trainings.

    Attributes:
        values: Shape (S, 8); NaN without nodules.
        samples: Values in each resample with nodules, shape (B, S, 8); B is 0 without resamples.
        num_scans: Scans with nodules.
    """

    values: Floats
    samples: Floats
    num_scans: int


def sample_froc(hits_by_seed: Sequence[Hits], *, bootstraps: int, seed: int = 0) -> FrocSamples:
    """The sensitivities and CPM of one network's trainings, and the same in resamples of the scans.

    Args:
        hits_by_seed: Hits of each training, on the same scans.
        bootstraps: Resamples; 0 for none.
        seed: Seed of the resamples; equal scans and seeds give equal resamples.
    """
    rates = np.array(RATES)
    values = np.stack([froc_curve(hits).sensitivity_at(rates) for hits in hits_by_seed])
    nothing = np.empty((0, len(rates)))
    samples = [bootstrap_sensitivities(hits, rates, bootstraps, seed) for hits in hits_by_seed]
    by_training = np.stack([nothing if one is None else one for one in samples], axis=1)
    return FrocSamples(
        values=_with_mean(values),
        samples=_with_mean(by_training),
        num_scans=int(np.count_nonzero(hits_by_seed[0].num_nodules)),
    )


def _with_mean(sensitivities: Floats) -> Floats:
    return np.concatenate([sensitivities, sensitivities.mean(axis=-1, keepdims=True)], axis=-1)


def mean_cpm_interval(network: FrocSamples) -> list[float] | None:
    """The 95% interval of the mean CPM over several seeds."""
    return mean_over_seeds(_estimates([network], -1)).interval


def froc_differences(reference: str, networks: Mapping[str, FrocSamples]) -> dict[str, dict[str, Any]]:
    """The differences of each network from the reference.

    Args:
        reference: Name of the reference, one of the networks.
        networks: Networks on the same scans and resamples, by name.

    Returns:
        For each other network, `reference`, the name of the reference; `cpm`, the entry of `difference_entry` with
        `p_holm`, Holm's correction over the networks; and `sensitivities`, the same at each of `RATES`.
    """
    others = [name for name in networks if name != reference]
    columns = [
        _adjusted_entries([_difference(networks[reference], networks[name], column) for name in others])
        for column in range(len(RATES) + 1)
    ]
    return {
        name: {
            "reference": reference,
            "cpm": columns[-1][k],
            "sensitivities": [column[k] for column in columns[:-1]],
        }
        for k, name in enumerate(others)
    }


def cpm_differences_by_stratum(
    reference: str, strata: Mapping[str, Mapping[str, FrocSamples]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Difference of each network's CPM from that of the reference, in each stratum of the nodules.

    Args:
        reference: Name of the reference.
        strata: For each stratum, the networks on the same scans and resamples, by name; a stratum without the reference
            has no differences.

    Returns:
        For each stratum and other network the entry of `difference_entry` with `p_holm`, Holm's correction over all
        networks and strata.
    """
    places = [
        (stratum, name)
        for stratum, networks in strata.items()
        for name in networks
        if reference in networks and name != reference
    ]
    entries = _adjusted_entries(
        [_difference(strata[place][reference], strata[place][name], -1) for place, name in places]
    )
    differences: dict[str, dict[str, dict[str, Any]]] = {stratum: {} for stratum, _ in places}
    for (stratum, name), entry in zip(places, entries, strict=True):
        differences[stratum][name] = entry
    return differences


def _difference(reference: FrocSamples, other: FrocSamples, column: int) -> dict[str, Any]:
    return difference_entry(_estimates([reference, other], column), len(reference.values))


def _estimates(networks: Sequence[FrocSamples], column: int) -> Estimates:
    """The estimates of one number for all trainings of some networks."""
    samples = np.concatenate([network.samples[..., column] for network in networks], axis=1)
    values = np.concatenate([network.values[:, column] for network in networks])
    unknown = np.full((len(values), len(values)), np.nan)
    covariance = np.atleast_2d(np.cov(samples, rowvar=False)) if len(samples) > 1 else unknown
    num_scans = networks[0].num_scans
    return Estimates(values=values, covariance=scale_covariance(covariance, num_scans), num_groups=num_scans)


def _adjusted_entries(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    adjusted = holm([entry["p"] for entry in entries])
    return [{**entry, "p_holm": p_holm} for entry, p_holm in zip(entries, adjusted, strict=True)]
