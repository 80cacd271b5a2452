"""Auto: what `"auto"` means for each option of a training, with the reason in one sentence."""
