"""Tracking: log runs to TensorBoard and MLflow."""
