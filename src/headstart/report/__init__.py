"""Stage 9, report: what was learned, for a person."""
