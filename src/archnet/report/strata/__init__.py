"""Results by stratum: wording, tables and figures."""
