"""Commands of `archnet data` in modules of their own."""
