"""The compiler: an `Arch` becomes a Keras model."""
