"""Figures: SVG drawings for reports, and Matplotlib pictures for single commands."""
