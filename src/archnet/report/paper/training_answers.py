"""Answers of a run about its training: recipe, selection of weights, thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archnet.errors import pluralize
from archnet.evaluation.kept_epoch import training_ends
from archnet.report.paper.run_facts import options
from archnet.report.run_files import RunFiles
from archnet.report.sentences.training_sentence import training_sentences
from archnet.report.wording import duration, threshold, word_list


def training(run: RunFiles) -> str:
    """Optimizer, learning rate, schedule, batch size, epochs, loss and regularization."""
    values = options(run, "training")
    if "optimizer" not in values:
        return ""
    parts = [
        str(values["optimizer"]),
        f"learning rate {values['learning_rate']:g}" if "learning_rate" in values else "",
        _schedule_text(values),
        f"weight decay {values['weight_decay']:g}" if values.get("weight_decay") else "",
        f"L2 {values['l2']:g}" if values.get("l2") else "",
        f"batch size {values.get('batch_size')}",
        f"at most {pluralize(values['epochs'], 'epoch')}",
        f"loss {str(values['loss']).replace('_', '-')}" if values.get("loss") else "",
        "soft labels" if (run.data or {}).get("soft_labels") else "",
        "case weights" if (run.data or {}).get("case_weights") else "",
        f"label smoothing {values['label_smoothing']:g}" if values.get("label_smoothing") else "",
        _mixup_text(values.get("mixup")),
        f"gradient norm clipped at {values['clip_norm']:g}" if values.get("clip_norm") else "",
        f"moving average of the weights with decay {values['ema']:g}" if values.get("ema") else "",
        f"precision {values['precision']}" if values.get("precision") else "",
        f"seed {values['seed']}" if "seed" in values else "",
    ]
    return f"Trained with {', '.join(filter(None, parts))}.{_chosen_text(run)}"


def _schedule_text(values: Mapping[str, Any]) -> str:
    schedule = values.get("schedule")
    kind = schedule.get("type") if isinstance(schedule, dict) else schedule
    warmup = values.get("warmup_epochs")
    warm = f" after a linear warm-up of {warmup:g} epochs" if warmup else ""
    return f"{kind} schedule{warm}" if kind else ""


def _mixup_text(mixup: Any) -> str:
    if not isinstance(mixup, dict):
        return ""
    return f"mixup with alpha {mixup.get('alpha'):g}{' within each class' if mixup.get('within_class') else ''}"


def _chosen_text(run: RunFiles) -> str:
    chosen = [key.removeprefix("training.") for key in (run.experiment or {}).get("picked", {}) if "training." in key]
    return f" Chosen by archnet from the data: {word_list(chosen)}." if chosen else ""


def augmentation(run: RunFiles) -> str:
    """The augmentation of training cases."""
    steps = options(run, "training").get("augmentation")
    if steps is None:
        return ""
    if not steps:
        return "No augmentation."
    texts = []
    for step in steps:
        values = ", ".join(f"{key} {_value_text(value)}" for key, value in step.items() if key != "type" and value)
        texts.append(f"{str(step.get('type')).replace('_', ' ')}{f' ({values})' if values else ''}")
    return f"Augmentation of training cases: {'; '.join(texts)}."


def _value_text(value: Any) -> str:
    return " to ".join(map(str, value)) if _is_range(value) else str(value).strip("[]").replace("'", "")


def _is_range(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(one, int | float) for one in value)


def imbalance(run: RunFiles) -> str:
    """The methods for class imbalance in training."""
    balance = options(run, "training").get("balance")
    if balance is None:
        return ""
    texts = {
        "none": "No method for class imbalance was used.",
        "weights": "Training cases were weighted so that all classes count equally.",
        "oversample": "Training cases were sampled so that all classes occur equally often.",
    }
    if balance in texts:
        return texts[balance]
    return f"Rare classes were drawn more often in training, until each made up 1/{balance:g} of the largest."


def duration_text(run: RunFiles) -> str:
    """The duration of the training."""
    seconds = run.metrics.get("train_seconds")
    return f"Training took {duration(seconds)}." if seconds else ""


def selection(run: RunFiles) -> str:
    """The epoch whose weights are kept, and the reason."""
    return " ".join(training_sentences(training_ends(run.history, run.experiment)))


def ensemble(run: RunFiles) -> str:
    """The models whose probabilities are combined, or a statement that there is only one."""
    members, stacked = options(run, "training").get("members"), options(run, "arch").get("stacked")
    sentences = []
    if members and members > 1:
        sentences.append(
            f"The probabilities of {members} networks of the same architecture are averaged. They were trained on the "
            "same cases with different random seeds."
        )
    if stacked:
        part = "validation cases" if stacked["fitted_on"] == "validation" else stacked["fitted_on"]
        sentences.append(
            f"The probabilities of the network {stacked['network']} and the baseline {stacked['baseline']} are "
            f"combined by a logistic regression (L2, C {stacked['C']}) on their standardized logits, fitted on the "
            f"{part}."
        )
    return " ".join(sentences) or "None: the results are those of one trained model."


def threshold_text(run: RunFiles) -> str:
    """The thresholds and their selection."""
    if len(run.classes) > 2:
        return "Each case is assigned to its most probable class; there is no threshold."
    value = options(run, "evaluation").get("threshold")
    entry = run.metrics[run.sets[-1]]
    value = entry.get("threshold") if value is None else value
    points = [f"{threshold(point['threshold'])} ({_reason(key, point)})" for key, point in _points(entry)]
    chosen = f" Other thresholds were chosen on the validation set: {word_list(points)}." if points else ""
    fixed = (
        f"A case is “{run.classes[run.positive]}” from a probability of {value:g} on, set before training."
        if value is not None
        else ""
    )
    return f"{fixed}{chosen}".strip()


def _points(entry: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return list(entry.get("operating_points", {}).items())


def _reason(key: str, point: Mapping[str, Any]) -> str:
    return f"recall of at least {point['wanted']:g}" if "wanted" in point else f"best {key.upper()}"


def development_and_evaluation(run: RunFiles) -> str:
    """Whether the run is a model development or an evaluation."""
    return "The run develops a model and evaluates it" + (
        " on a test set of the same data set." if "test" in run.sets else "; there is no test set."
    )
