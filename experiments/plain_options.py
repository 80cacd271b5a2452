"""Training options for benchmarks: only the optimizer, and nothing chosen automatically."""

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
