"""Initial weights from files: model files of archnet and Keras, checked before they are opened, and weights files."""
