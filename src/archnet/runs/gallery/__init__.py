"""The cases that a run folder keeps for its report: which ones, their voxels, and what in them decided."""

from archnet.runs.gallery.saliency import write_run_heat_maps
from archnet.runs.gallery.shared_heat import share_heat_maps
from archnet.runs.gallery.stored_cases import write_gallery

__all__ = ["share_heat_maps", "write_gallery", "write_run_heat_maps"]
