"""What two classes mean for decisions: operating points by rate, recalibration, net benefit, predictive values."""
