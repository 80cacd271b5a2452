"""Strata: results for parts of the cases, such as nodules of one size or scans of one scanner."""
