"""Answers about documents: problems, shapes, drawings, twins, experiments, sweeps."""
