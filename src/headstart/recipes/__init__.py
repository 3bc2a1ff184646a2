"""Stage 10, recipes: the classical experiments, one file each."""
