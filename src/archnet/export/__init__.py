"""Export: a run's model as something to hand on, with a model card beside it."""
