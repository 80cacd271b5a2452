"""Runs: what their folders say while they train, and the processes that make them."""
