"""Suggestions at a position of a text that is being edited: keys, values, layers, and explanations."""
