"""Trained networks on new scans: class probabilities and saliency maps."""
