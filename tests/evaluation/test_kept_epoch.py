import pytest

from archnet.evaluation.kept_epoch import TrainingEnd, training_end, training_ends
from archnet.report.sentences.training_sentence import training_sentence

NAN = float("nan")


def history(losses, aucs=(NAN, 0.8, 0.9, 0.9)):
    return {
        "epoch": [1.0, 2.0, 3.0, 4.0][: len(losses)],
        "seconds": [1.0] * len(losses),
        "validation_loss": losses,
        "validation_auc": list(aucs[: len(losses)]),
    }


def experiment(**training):
    return {"training": {"epochs": 4, "best_metric": None, "early_stopping": None, "ema": None, **training}}


@pytest.mark.parametrize(("training", "expected"), [
    ({"best_metric": "loss"}, "Kept the weights of epoch 2 of 4: best validation loss, 0.300."),
    ({"best_metric": "auc"}, "Kept the weights of epoch 3 of 4: best validation AUC, 0.900."),
    ({}, "Kept the weights of the last epoch (4 of 4)."),
    ({"ema": 0.99}, "Kept the weights of the last epoch (4 of 4), averaged over the training steps."),
    (
        {"best_metric": "loss", "ema": 0.99},
        "Kept the weights of epoch 2 of 4, averaged over the training steps: best validation loss, 0.300.",
    ),
    ({"best_metric": "mcc"}, "Kept the weights of the last epoch (4 of 4)."),
    ({"early_stopping": {"metric": "loss", "patience": 2}}, "Kept the weights of the last epoch (4 of 4)."),
    (
        {"epochs": 30, "best_metric": "loss", "early_stopping": {"metric": "loss", "patience": 2}},
        "Kept the weights of epoch 2 of 4: best validation loss, 0.300. Training stopped early, after 4 of at most "
        "30 epochs: the validation loss had not improved for 2 epochs.",
    ),
])  # fmt: skip
def test_the_kept_epoch_and_an_early_end_are_stated_with_their_reason(training, expected):
    end = training_end(history([0.5, 0.3, 0.3, 0.4]), experiment(**training))
    assert training_sentence(end) == expected


def test_metrics_of_more_than_two_classes_are_macro_means():
    whole = history([0.5, 0.3])
    macro = whole | {"validation_macro_recall": [0.5, 0.6]}
    ends = [training_end(one, experiment()) for one in (whole, macro)]
    assert [(end.is_macro, end.label("recall")) for end in ends] == [(False, "recall"), (True, "macro recall")]


def test_a_run_without_its_experiment_keeps_the_last_epoch_and_a_baseline_has_none():
    assert training_end(history([0.5, 0.3]), None) == TrainingEnd(kept_epoch=2, num_epochs=2)
    assert training_end({}, experiment()) is None


def test_the_networks_of_an_ensemble_are_numbered_and_a_single_one_is_not():
    rows = {"epoch": [1, 2, 1], "seconds": [5.0, 4.0, 4.5]}
    (single,) = training_ends({name: values[:2] for name, values in rows.items()}, None)
    assert (single.member, single.kept_epoch) == (None, 2)
    ends = training_ends(rows | {"member": [1, 1, 2]}, None)
    assert [(end.member, end.kept_epoch, end.num_epochs) for end in ends] == [(1, 2, 2), (2, 1, 1)]
    assert training_ends({}, None) == []
    assert training_ends({"member": [], "epoch": [], "seconds": []}, None) == []
