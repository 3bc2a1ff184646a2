"""Stage 7, representation: frozen vectors, the encoder bundle on disk, and the doctor."""
