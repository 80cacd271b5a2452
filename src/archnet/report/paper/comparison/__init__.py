"""Material for a paper about a comparison of networks."""
