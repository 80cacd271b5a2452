"""The JSON files that archnet writes and reads back: what each holds, and the reader that holds a file to it."""
