"""The list of the architectures, experiments and sweeps that come with archnet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from archnet.files.documents.shipped_documents import shipped_documents
from archnet.files.strict_json import read_document

if TYPE_CHECKING:
    from archnet.spec.arch import Arch

SIZES_FILE: Final = Path(__file__).with_name("network_sizes.json")
"""The form and the number of parameters of each shipped network, which take a second to compute.

`python tests/shipped_sizes.py` writes it. The size of a network whose file has changed since is computed.
"""


def shipped_list() -> dict[str, list[dict[str, Any]]]:
    """The shipped documents, JSON-ready: what each is, and its file.

    Raises:
        DocumentError: A file in a clone has been changed and is invalid.
    """
    sizes = json.loads(SIZES_FILE.read_text("utf-8"))
    entries: dict[str, list[dict[str, Any]]] = {"architectures": [], "experiments": [], "sweeps": []}
    for name, path in shipped_documents().items():
        if _is_arch(path):
            kind, description = "architectures", _describe_arch(path, sizes.get(name, {}))
        else:
            value = read_document(path).value
            kind, description = "sweeps" if "base" in value else "experiments", _describe_experiment(value)
        entries[kind].append({"name": name, **description, "file": str(path)})
    return entries


def shipped_sizes() -> dict[str, dict[str, Any]]:
    """The content of `SIZES_FILE`, computed."""
    from archnet.spec.arch import load_arch

    archs = {name: path for name, path in shipped_documents().items() if _is_arch(path)}
    return {name: {"digest": _digest(path), **_network_size(load_arch(path))} for name, path in archs.items()}


def _describe_arch(path: Path, size: Mapping[str, Any]) -> dict[str, Any]:
    """The architecture in a file.

    Args:
        path: The file.
        size: The entry of `SIZES_FILE`, if there is one.
    """
    if size.get("digest") == _digest(path):
        value = json.loads(path.read_text("utf-8"))
    else:
        from archnet.spec.arch import load_arch

        arch = load_arch(path)
        value, size = arch.to_document(), _network_size(arch)
    return {
        "form": size["form"],
        "input_shape": value.get("input_shape"),
        "channels": value.get("channels", 1),
        "parameters": size["parameters"],
        "description": value.get("description", ""),
    }


def _network_size(arch: Arch) -> dict[str, Any]:
    """The form of a network, and its number of parameters with its own input size and two classes."""
    from archnet.spec.cost import network_cost
    from archnet.spec.twins.twin_document import FORM_TEXTS
    from archnet.spec.twins.twin_network import network_form

    return {"form": FORM_TEXTS[network_form(arch)], "parameters": network_cost(arch.plan()).num_parameters}


def _describe_experiment(value: Mapping[str, Any]) -> dict[str, Any]:
    """The architectures of an experiment or the hyperparameters of a sweep, and its description."""
    description = {"description": value.get("description", "")}
    if "base" in value:
        return {"hyperparameters": list(value.get("space", {})), **description}
    archs = value.get("archs", [])
    names = [Path(arch).stem if isinstance(arch, str) else arch["name"] for arch in archs]
    return {"architectures": names, **description}


def _is_arch(path: Path) -> bool:
    return path.parent.name != "experiments"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
