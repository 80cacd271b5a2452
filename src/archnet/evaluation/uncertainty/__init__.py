"""Uncertainty: intervals for clustered cases, and resampling of groups."""
