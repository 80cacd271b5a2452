"""Answers about experiments: the values of "auto" on a data set with reasons, the sets, and the expected duration.

The modules that read data take a second to import; deferred imports keep the start of the page fast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from archnet.spec.auto import value_text
from archnet.spec.experiment import Experiment
from archnet.spec.outputs.schema_parts import COUNT, NUMBER, TEXT, list_of, map_of, nullable, record_of
from archnet.studio.answers.experiment_text import DATA_KEYS, TEXT_KEYS, requested_experiments
from archnet.studio.requests.api_route import request_of
from archnet.studio.workspace.workspace import Workspace

if TYPE_CHECKING:
    from archnet.data.dataset import Dataset

NUM_STEPS: Final = 4
"""Number of measured training steps, after a first one that builds the graph."""

EXPERIMENT_REQUEST: Final = request_of(TEXT_KEYS, DATA_KEYS)

_SET: Final = record_of({"cases": COUNT, "groups": COUNT, "classes": map_of(COUNT)})
_AUTO: Final = record_of(
    {
        "key": {**TEXT, "description": 'Dotted key of the option, such as "training.batch_size".'},
        "value": TEXT,
        "reason": TEXT,
    }
)

EXPERIMENT: Final = record_of(
    {
        "name": TEXT,
        "data": record_of(
            {
                "name": TEXT,
                "root": nullable(TEXT),
                **_SET["properties"],
                "positive": TEXT,
                "shape": list_of(COUNT),
            }
        ),
        "split": {"type": "object", "description": "The options of the split, without those that are null."},
        "split_reason": nullable(TEXT),
        "sets": {**map_of(_SET), "description": "Counts of the training, validation and test sets of the first fold."},
        "expected_recall": {
            **nullable(TEXT),
            "description": "Expected confidence interval of the recall on the test set, in words.",
        },
        "runs": list_of(
            record_of(
                {
                    "name": TEXT,
                    "arch": TEXT,
                    "auto": list_of(_AUTO),
                    "epochs": COUNT,
                    "batch_size": COUNT,
                    "warnings": list_of(TEXT),
                }
            )
        ),
        "problem": {**nullable(TEXT), "description": "Reason why the cases cannot be split; null if they can."},
        "ignored": {**list_of(TEXT), "description": "Options of the document that do not apply to the data set."},
    }
)

DURATION: Final = record_of(
    {
        "seconds": {**NUMBER, "description": "Predicted duration of all runs in sequence, without early stopping."},
        "archs": list_of(
            record_of(
                {
                    "arch": TEXT,
                    "num_runs": COUNT,
                    "epochs": COUNT,
                    "steps_per_epoch": COUNT,
                    "step_seconds": NUMBER,
                    "seconds": {**NUMBER, "description": "Predicted duration of one run."},
                }
            )
        ),
    }
)


class ExperimentAnswers:
    """Answers about the experiments of a workspace.

    Args:
        workspace: The folder.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def experiment(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Resolve the runs of an experiment; see `EXPERIMENT`.

        Raises:
            DocumentError: The text is not a valid experiment.
            DataError: The data set is missing or damaged; the message names the command that fetches it.
        """
        from archnet.data import open_dataset
        from archnet.runs.preparation import make_preview_splits
        from archnet.runs.preparation.data_summary import summarize_split

        experiments, ignored = requested_experiments(request, self._workspace)
        first = experiments[0]
        dataset = open_dataset(first.data)
        splits, problem = make_preview_splits(dataset.cases, experiments)
        summary = summarize_split(dataset, splits[first.split], first) if problem is None else {}
        return {
            "name": first.name,
            "data": _describe_data(dataset, first),
            "split": summary.get("split", {}),
            "split_reason": summary.get("split_reason"),
            "sets": summary.get("sets", {}),
            "expected_recall": (summary.get("expected_recall") or {}).get("text"),
            "runs": [_describe_run(one, dataset, is_split=problem is None) for one in experiments],
            "problem": problem,
            "ignored": list(ignored),
        }

    def duration(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Measure a few training steps of each architecture in a separate process; see `DURATION`.

        Raises:
            RunError: An architecture cannot be trained on this machine.
        """
        experiments, _ = requested_experiments(request, self._workspace)
        by_arch: dict[str, list[Experiment]] = {}
        for experiment in experiments:
            by_arch.setdefault(experiment.arch.name, []).append(experiment)
        archs = [_measure(name, runs) for name, runs in by_arch.items()]
        return {"seconds": sum(arch["num_runs"] * arch["seconds"] for arch in archs), "archs": archs}


def _describe_data(dataset: Dataset, experiment: Experiment) -> dict[str, Any]:
    from archnet.runs.preparation.data_summary import summarize_dataset

    summary = summarize_dataset(dataset)
    return {
        "name": experiment.data.name,
        "root": None if dataset.root is None else str(dataset.root),
        **{key: summary[key] for key in ("cases", "groups", "classes", "positive", "shape")},
    }


def _describe_run(experiment: Experiment, dataset: Dataset, *, is_split: bool) -> dict[str, Any]:
    from archnet.runs.folders.experiment_folder import run_name
    from archnet.runs.preparation import resolve_auto_from_data

    resolved = resolve_auto_from_data(experiment, dataset) if is_split else experiment
    reasons = (text.partition(": ")[2] for text in resolved.auto_reasons.values())
    return {
        "name": run_name(experiment),
        "arch": experiment.arch.name,
        "auto": [
            {"key": key, "value": _value_text(resolved, key), "reason": reason}
            for key, reason in zip(resolved.auto_reasons, reasons, strict=True)
        ],
        "epochs": resolved.training.epochs if is_split else 0,
        "batch_size": resolved.training.batch_size if is_split else 0,
        "warnings": experiment.warnings(),
    }


def _value_text(experiment: Experiment, key: str) -> str:
    section, _, name = key.partition(".")
    return value_text(getattr(getattr(experiment, section), name))


def _measure(name: str, experiments: Sequence[Experiment]) -> dict[str, Any]:
    from archnet.sweep.task_process import run_task
    from archnet.sweep.trial_process import timing_task
    from archnet.sweep.tune import COMMAND

    task = timing_task(experiments[0].to_document(), NUM_STEPS)
    result = run_task(task, COMMAND, f"{name} cannot be trained here")
    keys = ("epochs", "steps_per_epoch", "step_seconds", "seconds")
    return {"arch": name, "num_runs": len(experiments), **{key: result[key] for key in keys}}
