"""The local page: `archnet studio`."""
