"""Scikit-learn models on coarse images, and the effect of transformed copies of their training cases."""
