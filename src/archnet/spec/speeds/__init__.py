"""Speed of types of layers relative to a dense convolution: what is measured, and the results."""
