"""Integrity of runs: the recorded state of their files, changes to them, and collapsed networks."""
