"""Phantom: generated chest scans in the layouts of public data sets."""
