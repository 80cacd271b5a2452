"""The members of an ensemble: the predictions and results of each one alone."""
