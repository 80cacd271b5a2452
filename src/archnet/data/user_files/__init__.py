"""Files that archnet keeps outside run folders: listed with their sizes, and removed."""
