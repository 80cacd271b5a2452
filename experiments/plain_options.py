"""Training options for benchmarks: the optimizer alone, and nothing chosen from the data."""

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
