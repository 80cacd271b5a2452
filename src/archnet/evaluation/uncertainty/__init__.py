"""Uncertainty: intervals of clustered cases, and resamples of their groups."""
