"""Training: the loop, the step, and their components."""
