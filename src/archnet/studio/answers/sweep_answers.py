"""Answers about sweeps: their size, and the first trials that they would propose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from archnet.errors import ArchnetError
from archnet.files.strict_json import parse_document
from archnet.spec.cost import network_cost
from archnet.spec.outputs.schema_parts import BOOLEAN, COUNT, TEXT, list_of, map_of, nullable, record_of
from archnet.spec.sweeps.document import parse_sweep
from archnet.spec.sweeps.sweep import Sweep
from archnet.studio.answers.experiment_text import TEXT_KEYS
from archnet.studio.requests.api_route import request_of
from archnet.studio.workspace.workspace import Workspace
from archnet.sweep.search import propose_values, uses_observations

MAX_TRIALS: Final = 100

SWEEP_REQUEST: Final = request_of(
    TEXT_KEYS, {"count": {"type": "integer", "minimum": 1, "maximum": MAX_TRIALS, "default": 10}}
)
SWEEP: Final = record_of(
    {
        "name": TEXT,
        "num_trials": COUNT,
        "runs_per_trial": COUNT,
        "search": TEXT,
        "metric": TEXT,
        "keys": list_of(TEXT),
        "trials": list_of(
            record_of(
                {
                    "number": COUNT,
                    "values": {**map_of({}), "description": "Value of each hyperparameter."},
                    "arch": nullable(TEXT),
                    "parameters": {
                        **nullable(COUNT),
                        "description": "Number of parameters at the input shape of the document; null if unknown.",
                    },
                    "macs": nullable(COUNT),
                    "problem": {
                        **nullable(TEXT),
                        "description": "Reason why the trial would be rejected; null if it is valid.",
                    },
                }
            )
        ),
        "depends_on_results": {
            **BOOLEAN,
            "description": "Whether later trials depend on the results of earlier ones; such trials are not listed.",
        },
    }
)


class SweepAnswers:
    """Answers about the sweeps of a workspace.

    Args:
        workspace: The folder.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def sweep(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The first trials of a sweep; see `SWEEP`.

        Raises:
            DocumentError: The text is not a valid sweep.
        """
        source = str(self._workspace.document(request["path"]).path)
        sweep = parse_sweep(parse_document(request["text"], source))
        numbers = range(min(request.get("count", 10), sweep.num_trials))
        known = [number for number in numbers if not uses_observations(sweep, number)]
        proposals: list[dict[str, Any]] = []
        for number in known:
            proposals.append(propose_values(sweep, number, (), proposals))
        return {
            "name": sweep.name,
            "num_trials": sweep.num_trials,
            "runs_per_trial": (sweep.folds or 1) * (sweep.seeds or 1),
            "search": sweep.search,
            "metric": sweep.metric,
            "keys": list(sweep.space),
            "trials": [_describe_trial(sweep, number, values) for number, values in enumerate(proposals)],
            "depends_on_results": len(known) < len(numbers),
        }


def _describe_trial(sweep: Sweep, number: int, values: Mapping[str, Any]) -> dict[str, Any]:
    trial: dict[str, Any] = {"number": number, "values": dict(values)}
    try:
        experiment, *_ = sweep.experiments(values)
        arch = experiment.arch
        cost = network_cost(arch.plan(), experiment.training.members)
    except ArchnetError as error:
        return {**trial, "arch": None, "parameters": None, "macs": None, "problem": str(error)}
    return {
        **trial,
        "arch": arch.name,
        "parameters": cost.num_parameters,
        "macs": cost.num_macs,
        "problem": _limit_problem(sweep, cost.num_parameters, cost.num_macs),
    }


def _limit_problem(sweep: Sweep, num_parameters: int, num_macs: int) -> str | None:
    limits = sweep.limits
    pairs = {
        "max_parameters": (num_parameters, limits.max_parameters),
        "max_macs": (num_macs, limits.max_macs),
    }
    texts = [f"limits.{key} is {most:,}" for key, (number, most) in pairs.items() if most and number > most]
    return "; ".join(texts) or None
