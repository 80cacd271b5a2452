"""Weights from other networks: layers matched by the graphs, arrays reshaped or inflated, files read safely."""
