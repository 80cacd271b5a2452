"""Twins: the same architecture with another number of spatial axes."""
