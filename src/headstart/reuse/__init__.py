"""Stage 8, reuse: one representation, many tasks."""
