"""Twins: the 2D, 2.5D and 3D forms of an architecture."""
