"""The integrity of runs: the recorded state of its files, changes to them, and collapsed networks."""
