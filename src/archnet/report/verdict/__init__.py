"""The verdict as a page section, a picture and LaTeX rows, with its provenance."""
