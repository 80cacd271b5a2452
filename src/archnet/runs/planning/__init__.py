"""Planning of a training: the network on the data, micro-batches and initial weights."""
