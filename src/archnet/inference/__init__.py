"""Apply trained networks to new scans: class probabilities and saliency maps."""
