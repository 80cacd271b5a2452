"""Attention layers: weights of channels, voxels or tokens that depend on their content."""
