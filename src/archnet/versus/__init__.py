"""Versus: train 2D, 2.5D and 3D twins of one architecture under the same conditions, and compare them."""
