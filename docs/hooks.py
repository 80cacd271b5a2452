"""MkDocs hooks: add the generated pages to the site."""
