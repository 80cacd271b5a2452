"""Cases that are empty, identical, or copies of each other, found from their voxels."""
