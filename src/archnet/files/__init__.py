"""Files: atomic writing, strict reading of JSON and csv, progress, the user's folders."""
