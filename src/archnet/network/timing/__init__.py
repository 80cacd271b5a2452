"""How long steps of training and single layers take."""
