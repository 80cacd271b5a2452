"""What a versus says: its sentences, its tables, its frontier, and its page."""
