"""What a versus came to: the answers to its questions, costs, thresholds, and the frontier."""
