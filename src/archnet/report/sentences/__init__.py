"""Conclusions and cautions of runs and comparisons, as sentences."""
