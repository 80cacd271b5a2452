"""The integrity of runs: what a run recorded about its files, whether they are still those, and collapsed networks."""
