"""Layers without inner layers that act voxel by voxel or window by window, and the classes."""
