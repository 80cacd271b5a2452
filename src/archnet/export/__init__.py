"""Export the model of a run to other formats, with a model card."""
