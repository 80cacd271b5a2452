"""What a versus sets out to do: its forms, its variants, its runs, and the time that they take."""
