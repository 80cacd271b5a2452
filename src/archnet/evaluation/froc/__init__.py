"""FROC: marks evaluated with the LUNA16 protocol."""
