"""Volumes: geometry, readers, cutting and resizing. HU, millimetres, LPS; arrays are (z, y, x) until a crop is cut."""

from archnet.imaging.readers import READERS, read_volume, scan_suffix
from archnet.imaging.resize import turned_and_resized
from archnet.imaging.volume import AIR_HU, Volume, crop, in_lps, nearest_index, voxel_at

__all__ = [
    "AIR_HU",
    "READERS",
    "Volume",
    "crop",
    "in_lps",
    "nearest_index",
    "read_volume",
    "scan_suffix",
    "turned_and_resized",
    "voxel_at",
]
