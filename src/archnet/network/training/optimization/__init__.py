"""From gradients to weights: optimizers, learning-rate schedules, penalty, averages."""
