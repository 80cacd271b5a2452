"""How fast kinds of layers are beside the dense convolution: what is measured, and what was."""
