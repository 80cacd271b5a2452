"""Comparison of architectures: side by side, and paired on the same cases."""
