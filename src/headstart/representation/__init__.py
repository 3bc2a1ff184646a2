"""Stage 6, representation: frozen vectors, and the encoder bundle on disk."""
