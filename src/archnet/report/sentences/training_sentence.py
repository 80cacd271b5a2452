"""The sentence of a training: the epoch whose weights are kept, and why the training ended early."""

from __future__ import annotations

from collections.abc import Sequence

from archnet.errors import pluralize
from archnet.evaluation.kept_epoch import TrainingEnd
from archnet.report.wording import decimals


def training_sentences(ends: Sequence[TrainingEnd]) -> list[str]:
    """Describe the trainings of a run, one text for each network; a single one for members that ended alike.

    >>> ends = [TrainingEnd(kept_epoch=epoch, num_epochs=2, member=epoch) for epoch in (1, 2)]
    >>> training_sentences(ends)[1]
    'Member 2: Kept the weights of the last epoch (2 of 2).'
    >>> training_sentences(ends[1:] * 2)
    ['Each member: Kept the weights of the last epoch (2 of 2).']
    """
    texts = [training_sentence(end) for end in ends]
    if len(texts) < 2:
        return texts
    if len(set(texts)) == 1:
        return [f"Each member: {texts[0]}"]
    return [f"Member {end.member}: {text}" for end, text in zip(ends, texts, strict=True)]


def training_sentence(end: TrainingEnd) -> str:
    """Describe which epoch's weights are kept, and why training ended early.

    >>> training_sentence(TrainingEnd(kept_epoch=7, num_epochs=12, best_metric="loss", best_value=0.3125))
    'Kept the weights of epoch 7 of 12: best validation loss, 0.312.'
    >>> training_sentence(TrainingEnd(kept_epoch=7, num_epochs=12, best_metric="auc", best_value=0.9, is_macro=True))
    'Kept the weights of epoch 7 of 12: best validation macro AUC, 0.900.'
    >>> training_sentence(TrainingEnd(kept_epoch=12, num_epochs=12, max_epochs=12, is_averaged=True))
    'Kept the weights of the last epoch (12 of 12), averaged over the training steps.'
    """
    return " ".join([_kept_text(end), *_stopping_texts(end)])


def _kept_text(end: TrainingEnd) -> str:
    averaged = ", averaged over the training steps" if end.is_averaged else ""
    if end.best_metric is None:
        return f"Kept the weights of the last epoch ({end.kept_epoch} of {end.num_epochs}){averaged}."
    return (
        f"Kept the weights of epoch {end.kept_epoch} of {end.num_epochs}{averaged}: best validation "
        f"{end.label(end.best_metric)}, {decimals(end.best_value)}."
    )


def _stopping_texts(end: TrainingEnd) -> list[str]:
    if end.stopping_metric is None or end.patience is None:
        return []
    return [
        f"Training stopped early, after {end.num_epochs} of at most {pluralize(end.max_epochs or 0, 'epoch')}: the "
        f"validation {end.label(end.stopping_metric)} had not improved for {pluralize(end.patience, 'epoch')}."
    ]
