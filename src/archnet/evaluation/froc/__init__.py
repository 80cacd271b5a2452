"""FROC analysis with the LUNA16 protocol."""
