"""Array files: the arrays of an .npz file, the layout of its images, and the classes of its labels."""
