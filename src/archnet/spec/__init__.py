"""What a document means: JSON in, frozen dataclasses out. No Keras, no image library."""
