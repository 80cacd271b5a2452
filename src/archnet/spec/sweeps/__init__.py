"""Sweeps: what a sweep document means."""
