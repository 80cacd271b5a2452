"""The plan of a versus: forms, variants, runs and expected time."""
