"""Reporting checklists for papers, filled from a run."""
