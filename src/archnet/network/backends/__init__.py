"""Backend-specific functions that Keras does not provide: graphs, gradients, devices."""
