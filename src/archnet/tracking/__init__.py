"""Tracking: what other tools show of runs."""
