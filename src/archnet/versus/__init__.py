"""Versus: 2D, 2.5D and 3D twins of one architecture, trained alike by the sweep engine and compared."""
