"""Models of scikit-learn on coarse images, and what transformed copies of their training cases change."""
