"""Trained networks on scans that they have not seen: probabilities, and pictures of what decided them."""
