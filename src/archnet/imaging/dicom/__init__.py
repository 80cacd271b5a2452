"""DICOM below the level of volumes: files, headers, selection of a series, pixels, and stacking of slices."""
