"""Listing: the table of all runs under a folder, with their states, results, changes, tags and notes."""
