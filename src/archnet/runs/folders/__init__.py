"""Folders: where the runs of an experiment are saved, and how runs of different settings are kept apart."""
