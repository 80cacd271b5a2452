"""The verdict as a page section, a picture, LaTeX rows and a line of provenance."""
