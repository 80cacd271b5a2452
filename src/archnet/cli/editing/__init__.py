"""Commands for editing documents: the language server and the local page."""
