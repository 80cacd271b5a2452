"""Requests of the page: which are allowed, and what they look like."""
