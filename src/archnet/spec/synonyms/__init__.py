"""Names of other frameworks, for messages."""
