"""Stage 9, study: approaches compared under one protocol."""
