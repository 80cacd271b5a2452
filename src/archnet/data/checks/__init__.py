"""Checks of data sets: what looks wrong, how serious it is, and how to fix it."""
