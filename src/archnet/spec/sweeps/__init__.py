"""Sweep documents: the search space, and the experiments of the trials."""
