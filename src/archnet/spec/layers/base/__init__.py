"""The foundation of the layer types: the class `Layer` with all that is asked of a type, and shared rules."""
