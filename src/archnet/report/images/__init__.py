"""Images of a run for other tools."""
