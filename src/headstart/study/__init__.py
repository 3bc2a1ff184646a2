"""Stage 8, study: approaches compared under one protocol."""
