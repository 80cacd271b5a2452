"""Layers of two networks matched by their graphs, and their weights moved: reshaped, inflated, in part."""
