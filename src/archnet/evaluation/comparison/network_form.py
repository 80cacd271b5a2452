"""The form of a run (2D, 2.5D or 3D network, baseline, or both combined), and the order of forms in comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from archnet.evaluation.run_folder import is_baseline, is_stacked, read_optional_json
from archnet.spec.layers import inner_rank, layer_class

Form = Literal["2D", "2.5D", "3D", "baseline", "stacked"]

_ORDER: Final[tuple[Form | None, ...]] = ("2D", "2.5D", "3D", None, "baseline", "stacked")


def read_form(folder: Path) -> Form | None:
    """The form of a run; None if the run does not record its network.

    Raises:
        DataError: A file of the run is damaged.
    """
    experiment = read_optional_json(folder / "experiment.json") or {}
    if is_stacked(experiment):
        return "stacked"
    return "baseline" if is_baseline(experiment) else _network_form(folder, experiment)


def is_network(form: Form | None) -> bool:
    """Whether a form is that of a network alone.

    >>> is_network("3D"), is_network(None), is_network("baseline"), is_network("stacked")
    (True, True, False, False)
    """
    return form not in ("baseline", "stacked")


def _network_form(folder: Path, experiment: Mapping[str, Any]) -> Form | None:
    """2.5D: 2D networks on several slices, and networks that process a volume only by 2D layers on its planes."""
    network = read_optional_json(folder / "network.json")
    if network is None:
        return None
    if len(network["input_shape"]) == 3:
        return "2.5D" if (experiment.get("data") or {}).get("view") == "slices-as-channels" else "2D"
    has_planes = any(inner_rank(layer, 3) == 2 for layer in network["layers"])
    return "2.5D" if has_planes and not any(map(_makes_features_of_volumes, network["layers"])) else "3D"


def _makes_features_of_volumes(layer: Mapping[str, Any]) -> bool:
    kind = layer_class(layer)
    return kind is not None and kind.traits.feature_map == "new" and len(layer["output_shape"]) == 4


def form_rank(form: Form | None) -> int:
    """The rank of a form in a comparison: 2D before 3D, then baselines, then networks combined with baselines.

    >>> sorted(["stacked", "baseline", "3D", "2D"], key=form_rank)
    ['2D', '3D', 'baseline', 'stacked']
    """
    return _ORDER.index(form)
