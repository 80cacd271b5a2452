"""Changes of documents that repair violations of their schemas."""
