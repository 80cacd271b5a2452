"""Volumes: geometry, readers, crops, resizing. Units are HU and millimetres in LPS; scans are (z, y, x) arrays."""

from archnet.imaging.case_placement import CasePlacement, place_crop, place_resized
from archnet.imaging.readers import READERS, list_scan_files, read_frame, read_stored_frame, read_volume, scan_suffix
from archnet.imaging.resample import crop_mm
from archnet.imaging.resize import resize_volume
from archnet.imaging.volume import AIR_HU, Volume, crop, nearest_index, orient_to_lps

__all__ = [
    "AIR_HU",
    "READERS",
    "CasePlacement",
    "Volume",
    "crop",
    "crop_mm",
    "list_scan_files",
    "nearest_index",
    "orient_to_lps",
    "place_crop",
    "place_resized",
    "read_frame",
    "read_stored_frame",
    "read_volume",
    "resize_volume",
    "scan_suffix",
]
