"""Stage 4, objectives: what the encoder must get right without labels, one method a file."""
