"""Cases of a page: the voxels that it carries, the list that selections filter, and the viewer's data."""
