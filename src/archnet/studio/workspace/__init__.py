"""The folder that the page shows: its documents, read and written."""
