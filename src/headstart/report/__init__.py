"""Stage 10, report: what was learned, for a person."""
