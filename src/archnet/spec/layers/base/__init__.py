"""The foundation of the layer types: the class `Layer` with the interface of all types, and shared rules."""
