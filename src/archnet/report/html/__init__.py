"""HTML: the self-contained pages of runs and comparisons."""
