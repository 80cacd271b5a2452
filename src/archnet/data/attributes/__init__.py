"""Attributes of cases: from a table of the user's, from lists and the headers of scans; and their patients."""
