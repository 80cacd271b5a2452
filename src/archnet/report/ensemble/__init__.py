"""Each member of an ensemble against all of them together."""
