"""Volumes: geometry, readers, cutting, resizing. HU, millimetres, LPS; arrays are (z, y, x) until a crop is cut."""

from archnet.imaging.readers import READERS, read_frame, read_volume, scan_suffix, stored_files, stored_frame
from archnet.imaging.resample import crop_mm
from archnet.imaging.resize import turned_and_resized
from archnet.imaging.volume import AIR_HU, Volume, crop, in_lps, nearest_index, voxel_at

__all__ = [
    "AIR_HU",
    "READERS",
    "Volume",
    "crop",
    "crop_mm",
    "in_lps",
    "nearest_index",
    "read_frame",
    "read_volume",
    "scan_suffix",
    "stored_files",
    "stored_frame",
    "turned_and_resized",
    "voxel_at",
]
