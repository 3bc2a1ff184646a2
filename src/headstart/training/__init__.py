"""Stage 5, training: the one loop; no other file trains an encoder."""
