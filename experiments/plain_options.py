"""Options of a training with nothing but its optimizer, for benchmarks: nothing is picked from the data."""

PLAIN = {
    "optimizer": "adam",
    "schedule": {"type": "constant"},
    "warmup_epochs": 0,
    "balance": "none",
    "augmentation": [],
    "ema": None,
    "batch_norm_momentum": 0.9,
    "best_metric": "loss",
}
