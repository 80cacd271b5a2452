"""Runs: carry out experiments and write run folders."""
