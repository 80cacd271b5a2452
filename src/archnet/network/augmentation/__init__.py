"""Augmentation: random transformations of whole batches, inside the graph."""
