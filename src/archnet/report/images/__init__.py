"""Images of a run for TensorBoard."""
