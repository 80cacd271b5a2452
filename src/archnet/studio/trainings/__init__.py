"""Runs: their state, read from their folders, and their processes."""
