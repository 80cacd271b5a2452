"""Results by stratum: their words, tables and drawings."""
