"""Before a training: the plan of the network on the data, its micro-batches, its starting weights."""
