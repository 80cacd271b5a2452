"""The language server: `archnet lsp`."""
