"""Sweeps: trials are proposed, checked, run by Ray Tune as ordinary runs, ranked on the validation set and reported."""
