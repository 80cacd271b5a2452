"""Reports of a sweep: the page sweep.html with its figures, and the terminal table."""
