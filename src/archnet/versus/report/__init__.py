"""Sentences, tables, frontier and page of a versus."""
