"""Layers that hold other layers: residual blocks, branches, repetitions, views."""
