"""Phantom: synthetic chest scans in the layouts of public data sets."""
