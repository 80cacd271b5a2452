"""Layers with inner layers: residual blocks, branches, repetitions, views."""
