"""Cases of a page: embedded voxels, the list for selections, and the viewer's data."""
