"""Training: the loop, the step, and everything that both need."""
