"""Metrics, intervals and comparisons, computed from `predictions.csv` alone, without Keras."""
