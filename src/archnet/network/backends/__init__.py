"""What Keras leaves to each of its backends: graphs, gradients, devices."""
