"""Figures: the drawings of a report as SVG, and the pictures that Matplotlib draws for single commands."""
