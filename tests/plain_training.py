"""Options of a plain training for tests that are not about the default recipe: Adam, and nothing picked from the data."""

from archnet.spec.experiment import Schedule, Training

PLAIN = {
    "optimizer": "adam",
    "learning_rate": 0.001,
    "weight_decay": None,
    "schedule": {"type": "constant"},
    "warmup_epochs": 0,
    "batch_size": 32,
    "epochs": 20,
    "balance": "none",
    "augmentation": [],
    "ema": None,
    "batch_norm_momentum": 0.9,
    "best_metric": "loss",
}


def plain(**options):
    """A plain training with some options of its own."""
    return Training(**{**PLAIN, "schedule": Schedule(type="constant"), "augmentation": (), **options})
