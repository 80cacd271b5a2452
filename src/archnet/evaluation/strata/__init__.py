"""Strata: results for subgroups of cases, such as nodules of one size or scans of one scanner."""
