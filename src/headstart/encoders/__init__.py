"""Stage 3, encoders: an input becomes a vector h."""
