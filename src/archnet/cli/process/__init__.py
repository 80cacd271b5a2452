"""The process of a command: its standard streams, and errors that no command expects."""
