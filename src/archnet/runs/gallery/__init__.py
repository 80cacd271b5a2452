"""The stored cases of a run folder: their selection, voxels and saliency maps."""

from archnet.runs.gallery.saliency import write_run_heat_maps
from archnet.runs.gallery.shared_heat import share_heat_maps
from archnet.runs.gallery.stored_cases import write_gallery

__all__ = ["share_heat_maps", "write_gallery", "write_run_heat_maps"]
