"""Reports of runs: tables, figures and HTML pages, created from run folders, without Keras."""
