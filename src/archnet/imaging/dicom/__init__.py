"""DICOM below the volume: files, headers, the choice of a series, its pixels and the stack of its slices."""
