"""The form of a run (2D, 2.5D or 3D network, or baseline), and the order of forms in comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from archnet.evaluation.run_folder import is_baseline, read_optional_json
from archnet.spec.layers import inner_rank, layer_class

Form = Literal["2D", "2.5D", "3D", "baseline"]

_ORDER: Final[tuple[Form | None, ...]] = ("2D", "2.5D", "3D", None, "baseline")


def read_form(folder: Path) -> Form | None:
    """The form of a run; None if the run does not record its network.

    Raises:
        DataError: A file of the run is damaged.
    """
    experiment = read_optional_json(folder / "experiment.json") or {}
    return "baseline" if is_baseline(experiment) else _network_form(folder, experiment)


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
    """The rank of a form in a comparison: 2D before 3D, baselines last.

    >>> sorted(["baseline", "3D", "2D"], key=form_rank)
    ['2D', '3D', 'baseline']
    """
    return _ORDER.index(form)
