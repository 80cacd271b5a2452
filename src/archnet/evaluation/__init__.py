"""Metrics, intervals and comparison: recomputable from `predictions.csv` alone, without Keras."""
