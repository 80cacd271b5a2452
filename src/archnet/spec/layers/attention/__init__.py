"""Layers that weigh channels, voxels or tokens by what they contain."""
