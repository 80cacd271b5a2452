"""Preparation of a training: the plan of the network on the data, micro-batches and initial weights."""
