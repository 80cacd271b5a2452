"""Commands for editing documents: the local page."""
