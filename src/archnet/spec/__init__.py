"""Documents: JSON is parsed into frozen dataclasses. No Keras, no image library."""
