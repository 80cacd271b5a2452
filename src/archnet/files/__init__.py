"""Files: atomic writing, strict reading of JSON and csv, progress, user folders."""
