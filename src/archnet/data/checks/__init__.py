"""Data checks: problems of data sets, their severity, and how to fix them."""
