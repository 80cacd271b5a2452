"""Results of a versus: answers to its questions, costs, thresholds and frontier."""
