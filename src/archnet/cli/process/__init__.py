"""Standard streams of a command, and unexpected errors."""
