"""Augmentation: random changes of whole batches, inside the graph."""
