"""Array files: what an .npz file holds, the layout of its images, and the classes of its labels."""
