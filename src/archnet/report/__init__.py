"""What a reader sees of a run: tables, pictures and the HTML report, drawn from the run folder, without Keras."""
