"""Sweep documents: their search space, and the experiments that their trials mean."""
