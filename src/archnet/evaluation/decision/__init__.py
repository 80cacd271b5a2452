"""Decision analysis for two classes: sensitivity at fixed rates, recalibration, net benefit, predictive values."""
