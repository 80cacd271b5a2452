"""The JSON files that archnet writes and reads back: their schemas, and the reader that validates them."""
