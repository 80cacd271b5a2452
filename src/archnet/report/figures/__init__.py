"""Figures: the pictures of a report, drawn by Matplotlib."""
