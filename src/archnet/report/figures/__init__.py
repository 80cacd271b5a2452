"""Figures: SVG for reports, and Matplotlib pictures for individual commands."""
