"""A sweep's results for a reader: the page sweep.html with its figures, and the table on a terminal."""
