"""Attributes of cases: from a table of the user's, from annotations and from the headers of scans."""
