"""Runs: an experiment becomes a run folder."""
