"""Parts of a comparison's page: table rows and figures."""
