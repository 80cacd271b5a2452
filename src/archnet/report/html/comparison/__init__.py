"""Parts of a comparison's page: the rows of its tables, and its drawings."""
