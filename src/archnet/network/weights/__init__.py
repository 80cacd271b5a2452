"""Weight transfer: matches the layers of two networks by their graphs, reshapes and inflates kernels."""
