"""Terminal: results of runs and comparisons as rich renderables."""
