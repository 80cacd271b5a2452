"""The section "Decisions" of a run's page."""
