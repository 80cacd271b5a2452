"""Analysis of JSON documents while they are edited: problems with fixes, shapes, costs, completions. No Keras."""
