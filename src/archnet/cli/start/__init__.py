"""Commands for a first project: list what archnet ships, create files to edit, print the schemas."""
