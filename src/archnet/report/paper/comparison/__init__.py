"""What a paper states about a comparison of networks."""
