"""Optimization: optimizers, learning-rate schedules, penalty, averages."""
