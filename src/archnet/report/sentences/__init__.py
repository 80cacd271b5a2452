"""Sentences: what a reader may conclude from a run or a comparison, and its cautions."""
