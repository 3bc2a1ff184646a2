"""Stage 7, reuse: one representation, many tasks."""
