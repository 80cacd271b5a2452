"""Fetching: download, verify and unpack public data sets."""
